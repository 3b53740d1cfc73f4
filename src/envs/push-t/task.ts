import { OptionError } from '../../foundation/errors.js';
import { checkList, checkObject, checkText } from '../../foundation/options.js';
import { shownValue } from '../../foundation/shown.js';
import type { PolicyOfTask, Task, TaskKind } from '../environment.js';
import { observeKeypoints, observeMaskedKeypoints } from './keypoints.js';
import { observeAgent, observeState, observeVertices } from './observations.js';
import { PUSH_T_MAX_STEPS, PushT, type PushTState } from './push-t.js';
import { PUSH_T_SCENE } from './scene.js';

/** What Push-T tells of a state, by the number of its values, which no two kinds share. */
const PUSH_T_OBSERVATIONS: ReadonlyMap<number, (state: PushTState) => number[]> = new Map([
  [2, observeAgent],
  [5, observeState],
  [16, observeVertices],
  [20, observeKeypoints],
  [40, observeMaskedKeypoints],
]);
const PUSH_T_ACTION_DIM = 2;
const NAME = 'push-t';

/**
 * Push-T, reset as gym-pusht and the published evaluations of Diffusion Policy do, with the observations that a policy
 * reads: agent (2 values), state (5), vertices (16), keypoints (20, or 40 with their mask).
 * @throws OptionError for a policy of something else.
 */
export function pushTTask(policy: PolicyOfTask): Task {
  checkObject('pushTTask', 'the policy', policy);
  const { name, observations, actionDim } = policy;
  checkText('pushTTask', 'the name of the policy', name);
  checkList('pushTTask', 'observations', observations, (feature) => checkObject('pushTTask', 'an observation', feature));
  if (actionDim !== PUSH_T_ACTION_DIM) {
    throw new OptionError(
      `policy "${name}" has actions of ${shownValue(actionDim)} values, Push-T takes ${PUSH_T_ACTION_DIM}, x and y: give a Push-T policy.`,
    );
  }
  const observers = observations.map(({ name: feature, size }): [string, (state: PushTState) => number[]] => {
    const observe = PUSH_T_OBSERVATIONS.get(size);
    if (!observe) {
      throw new OptionError(
        `policy "${name}" reads "${shownValue(feature)}" of ${shownValue(size)} values; Push-T has the agent's position (2), its state (5), ` +
          'the vertices of the block (16), and keypoints (20, or 40 with their mask): give a Push-T policy.',
      );
    }
    return [feature, observe];
  });
  return {
    name: NAME,
    maxTicks: PUSH_T_MAX_STEPS,
    scene: PUSH_T_SCENE,
    create: async () => {
      const environment = new PushT();
      return {
        reset: (seed) => void environment.reset(seed),
        observe: () => Object.fromEntries(observers.map(([feature, observe]) => [feature, observe(environment.state)])),
        step: (action) => environment.step(action),
        snapshot: () => {
          const { agentX, agentY, blockX, blockY, angle } = environment.state;
          return [agentX, agentY, blockX, blockY, angle];
        },
      };
    },
  };
}

/** NumPy's legacy generator takes seeds of 32 bits. */
export const PUSH_T: TaskKind = { name: NAME, scene: PUSH_T_SCENE, largestSeed: 2 ** 32 - 1, forPolicy: pushTTask };
