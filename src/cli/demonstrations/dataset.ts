import type { Dataset, DatasetEpisode, DatasetFeature } from '../../datasets/dataset.js';
import { ArrayStore, type RowArray } from '../../datasets/store/array-store.js';
import { BlockDataset } from '../../datasets/store/block-dataset.js';
import type { Demonstration } from '../../envs/mujoco/demonstration.js';
import type { SimulatedTask } from '../../envs/mujoco/task.js';

/** Rows of a block; they are in memory already. */
const BLOCK_ROWS = 4096;

/** Demonstrations as a data set, of what a policy reads and does. */
export function demonstrationDataset({ name, demonstrations }: SimulatedTask, recorded: readonly Demonstration[]): Dataset {
  let from = 0;
  const episodes = recorded.map(({ ticks }, index): DatasetEpisode => {
    const episode = { index, from, to: from + ticks, tasks: [demonstrations.words], missing: [] };
    from += ticks;
    return episode;
  });
  const features: DatasetFeature[] = [];
  const arrays = new Map<string, RowArray>();
  const add = (feature: string, names: readonly string[], of: (episode: Demonstration) => readonly (readonly number[])[]): void => {
    const rows = recorded.flatMap(of);
    features.push({ name: feature, kind: 'vector', dtype: 'float32', shape: [names.length], size: names.length, names });
    arrays.set(feature, {
      blockRows: BLOCK_ROWS,
      file: () => `${name}, as it was demonstrated`,
      readVectors: async (first, end) => Float32Array.from(rows.slice(first, end).flat()),
    });
  };
  add('observation.state', demonstrations.stateNames, ({ states }) => states);
  add('observation.environment_state', demonstrations.environmentNames, ({ environmentStates }) => environmentStates);
  add('action', demonstrations.actionNames, ({ actions }) => actions);
  const facts = {
    name,
    format: 'demonstrations',
    fps: demonstrations.tickRate,
    robot: demonstrations.robot,
    features,
    episodes,
    missing: [],
    warnings: [],
    statistics: new Map(),
  };
  const store = new ArrayStore([{ from: 0, to: from, arrays }], episodes, async () => {});
  return new BlockDataset(facts, store, {}, 1 << 24);
}
