import type { Dataset } from '../../datasets/dataset.js';
import type { FeatureMapping } from '../../datasets/write/mapping.js';
import { observeVertices } from '../../envs/push-t/observations.js';
import type { PushTState } from '../../envs/push-t/state.js';
import { UsageError } from '../../terminal/options.js';

const POSE = ['x', 'y'];
const VERTICES = 16;

/**
 * What policies of Push-T read (gym-pusht's and LeRobot's names), from the state that Diffusion Policy recorded: agent x, y, block x, y, angle.
 * Pictures under `img`, where there are any.
 */
function pushTMappings(dataset: Dataset): FeatureMapping[] {
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

/** Features of policies for a task, by its name, made of the demonstrations that there are of it. */
export const TASK_FEATURES: ReadonlyMap<string, (dataset: Dataset) => FeatureMapping[]> = new Map([['push-t', pushTMappings]]);
