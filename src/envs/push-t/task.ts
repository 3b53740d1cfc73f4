import { OptionError } from '../../foundation/errors.js';
import type { Observation } from '../../observations/check.js';
import type { ObservationInfo } from '../../spec/policy-spec.js';
import type { EnvironmentStep } from '../environment.js';
import { observeKeypoints, observeMaskedKeypoints } from './keypoints.js';
import { observeAgent, observeState, observeVertices } from './observations.js';
import { PUSH_T_MAX_STEPS, PushT, type PushTState } from './push-t.js';

/** An environment as an evaluation drives it. A remote one may answer later. */
export interface TaskEnvironment {
  reset(seed: number): void | Promise<void>;
  /** Raw observation of the present, by the names that the policy reads. */
  observe(): Observation;
  /** Carries out one action. Throws where it cannot. */
  step(action: Float32Array): EnvironmentStep | Promise<EnvironmentStep>;
  /** What a replay draws. */
  snapshot(): readonly number[];
}

/** Something that policies are evaluated on. */
export interface Task {
  readonly name: 'push-t';
  /** Control steps after which an episode is cut. */
  readonly maxTicks: number;
  create(): TaskEnvironment;
}

/** What a task asks of a policy that is to be evaluated on it. */
export interface PolicyOfTask {
  readonly name: string;
  readonly observations: readonly ObservationInfo[];
  readonly actionDim: number;
}

/** What Push-T tells of a state, by the number of its values, which no two kinds share. */
const PUSH_T_OBSERVATIONS: ReadonlyMap<number, (state: PushTState) => number[]> = new Map([
  [2, observeAgent],
  [5, observeState],
  [16, observeVertices],
  [20, observeKeypoints],
  [40, observeMaskedKeypoints],
]);
const PUSH_T_ACTION_DIM = 2;

/**
 * Push-T, reset as gym-pusht and the published evaluations of Diffusion Policy do, with the observations that a policy
 * reads: agent (2 values), state (5), vertices (16), keypoints (20, or 40 with their mask).
 * @throws OptionError for a policy of something else.
 */
export function pushTTask({ name, observations, actionDim }: PolicyOfTask): Task {
  if (actionDim !== PUSH_T_ACTION_DIM) {
    throw new OptionError(
      `policy "${name}" has actions of ${actionDim} values, Push-T takes ${PUSH_T_ACTION_DIM}, x and y: give a Push-T policy.`,
    );
  }
  const observers = observations.map(({ name: feature, size }): [string, (state: PushTState) => number[]] => {
    const observe = PUSH_T_OBSERVATIONS.get(size);
    if (!observe) {
      throw new OptionError(
        `policy "${name}" reads "${feature}" of ${size} values; Push-T has the agent's position (2), its state (5), ` +
          'the vertices of the block (16), and keypoints (20, or 40 with their mask): give a Push-T policy.',
      );
    }
    return [feature, observe];
  });
  return {
    name: 'push-t',
    maxTicks: PUSH_T_MAX_STEPS,
    create: () => {
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
