import type { Dataset, DatasetEpisode, DatasetFeature } from '../../datasets/dataset.js';
import { ArrayStore, type RowArray } from '../../datasets/store/array-store.js';
import { BlockDataset } from '../../datasets/store/block-dataset.js';
import type { Demonstration } from '../../envs/mujoco/demonstration.js';
import type { SimulatedTask } from '../../envs/mujoco/task.js';
import { type DemonstratedPictures, pictureRows } from './pictures.js';

/** Rows of a block; they are in memory already. */
const BLOCK_ROWS = 4096;

/**
 * Demonstrations as a data set, of what a policy reads and does. With pictures it has these in place of the environment state, which they show; each is drawn
 * when it is read.
 */
export function demonstrationDataset(
  { name, demonstrations }: SimulatedTask,
  recorded: readonly Demonstration[],
  pictures?: DemonstratedPictures,
): Dataset {
  let from = 0;
  const episodes = recorded.map(({ ticks }, index): DatasetEpisode => {
    const episode = { index, from, to: from + ticks, tasks: [demonstrations.words], missing: [] };
    from += ticks;
    return episode;
  });
  const features: DatasetFeature[] = [];
  const arrays = new Map<string, RowArray>();
  const file = (): string => `${name}, as it was demonstrated`;
  const add = (feature: string, names: readonly string[], of: (episode: Demonstration) => readonly (readonly number[])[]): void => {
    const rows = recorded.flatMap(of);
    features.push({ name: feature, kind: 'vector', dtype: 'float32', shape: [names.length], size: names.length, names });
    arrays.set(feature, {
      blockRows: BLOCK_ROWS,
      file,
      readVectors: async (first, end) => Float32Array.from(rows.slice(first, end).flat()),
    });
  };
  add('observation.state', demonstrations.stateNames, ({ states }) => states);
  if (!pictures) add('observation.environment_state', demonstrations.environmentNames, ({ environmentStates }) => environmentStates);
  pictures?.cameras.forEach((camera, number) => {
    const { height, width } = pictures;
    const shape = [height, width, 3];
    const feature = `observation.images.${camera.name}`;
    features.push({ name: feature, kind: 'image', dtype: 'image', shape, size: height * width * 3, names: null });
    arrays.set(feature, { file, ...pictureRows(recorded, pictures, number) });
  });
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
