import type { EnvironmentStep } from '../envs/environment.js';
import { pushTObservation } from '../envs/push-t/observations.js';
import { PUSH_T_MAX_STEPS, PushT } from '../envs/push-t/push-t.js';
import type { Observation } from '../policy/observations.js';

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

/** Push-T from state, reset as gym-pusht and the published evaluations of Diffusion Policy do. */
export const PUSH_T_TASK: Task = {
  name: 'push-t',
  maxTicks: PUSH_T_MAX_STEPS,
  create: () => {
    const environment = new PushT();
    return {
      reset: (seed) => void environment.reset(seed),
      observe: () => pushTObservation(environment.state),
      step: (action) => environment.step(action),
      snapshot: () => {
        const { agentX, agentY, blockX, blockY, angle } = environment.state;
        return [agentX, agentY, blockX, blockY, angle];
      },
    };
  },
};
