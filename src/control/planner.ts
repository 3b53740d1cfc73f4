import type { Observation } from '../observations/check.js';
import type { ObservationInfo } from '../spec/policy-spec.js';

/** Sizes of a planner's windows and chunks, as in `Policy.info`. */
export interface PlannerInfo {
  readonly observations: readonly ObservationInfo[];
  readonly observationSteps: number;
  readonly horizon: number;
  readonly actionSteps: number;
  readonly actionDim: number;
}

/** A chunk in the units of the robot, f32 [horizon][actionDim]; row observationSteps − 1 belongs to the newest observation. */
export interface PlannedChunk {
  readonly chunk: Float32Array;
}

/** What a control loop needs of a policy; every `Policy` is one. While a loop runs, the planner's episode is the loop's. */
export interface Planner {
  readonly info: PlannerInfo;
  /** One decision in the running episode, over a window as `Policy.plan` takes it. */
  plan(window: Observation): Promise<PlannedChunk>;
  /** Ends the episode; decisions asked for before still belong to it. */
  reset(): void;
}
