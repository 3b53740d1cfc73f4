import type { Dataset } from '../../datasets/dataset.js';
import type { FeatureMapping } from '../../datasets/write/mapping.js';
import { observeVertices } from '../../envs/push-t/observations.js';
import type { PushTState } from '../../envs/push-t/state.js';
import { UsageError } from '../../terminal/options.js';

/** NEW=OLD, NEW=OLD[3] or NEW=OLD[0:2], as Python slices. */
const MAPPING = /^([^=]+)=([^=[\]]+)(?:\[(\d+)(?::(\d+))?\])?$/;

export function mappingOf(text: string): FeatureMapping {
  const found = MAPPING.exec(text);
  if (found === null) throw new UsageError(`--feature must be NEW=OLD or NEW=OLD[first:end], found "${text}"`);
  const [, name, from, first, end] = found as unknown as [string, string, string, string | undefined, string | undefined];
  if (first === undefined) return { name, from };
  const count = end === undefined ? 1 : Number(end) - Number(first);
  if (count < 1) throw new UsageError(`--feature ${text}: the end must be behind the first dimension`);
  return { name, from, first: Number(first), count };
}

const POSE = ['x', 'y'];
const VERTICES = 16;

/**
 * What policies of Push-T read (gym-pusht's and LeRobot's names), from the state that Diffusion Policy recorded: agent x, y, block x, y, angle.
 * Pictures under `img`, where there are any.
 */
export function pushTMappings(dataset: Dataset): FeatureMapping[] {
  const state = dataset.features.find(({ name, kind, size }) => name === 'state' && kind === 'vector' && size === 5);
  const action = dataset.features.find(({ name, kind, size }) => name === 'action' && kind === 'vector' && size === 2);
  if (state === undefined || action === undefined) {
    throw new UsageError(
      `--task push-t: the data set must have "state" of 5 numbers and "action" of 2: it has ${dataset.features.map(({ name }) => name).join(', ')}`,
    );
  }
  const pictures = dataset.features.filter(({ name, kind }) => name === 'img' && kind !== 'vector');
  return [
    { name: 'observation.state', from: 'state', first: 0, count: 2, names: POSE },
    {
      name: 'observation.environment_state',
      from: 'state',
      compute: {
        size: VERTICES,
        row: ([agentX, agentY, blockX, blockY, angle]) => observeVertices({ agentX, agentY, blockX, blockY, angle } as PushTState),
      },
    },
    { name: 'action', from: 'action', names: POSE },
    ...pictures.map(({ name }) => ({ name: 'observation.image', from: name })),
  ];
}
