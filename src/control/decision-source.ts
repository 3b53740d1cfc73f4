import type { Observation } from '../observations/frame.js';
import type { ObservationInfo } from '../spec/policy-spec.js';
import type { PrepareOptions } from '../spec/prepare-options.js';

/** Sizes of a source's windows and chunks, as in `Policy.info`. */
export interface DecisionSourceInfo {
  readonly observations: readonly ObservationInfo[];
  readonly observationSteps: number;
  readonly horizon: number;
  readonly actionSteps: number;
  readonly actionDim: number;
  /**
   * Whether rows of a chunk behind the first `actionSteps` are actions too. Default true; a loop, which sends them while it decides, refuses a
   * source of which they are not.
   */
  readonly decidesAhead?: boolean;
}

/** A chunk in the units of the robot, f32 [horizon][actionDim]; row observationSteps − 1 belongs to the newest observation. */
export interface DecidedChunk {
  readonly chunk: Float32Array;
}

/** What a control loop needs of a policy; every `Policy` is one. While a loop runs, the source's episode is the loop's. */
export interface DecisionSource {
  readonly info: DecisionSourceInfo;
  /** One decision in the running episode, over a window as `Policy.decide` takes it. */
  decide(window: Observation): Promise<DecidedChunk>;
  /**
   * Takes an observation as it arrives, to encode its images ahead of the decision that reads them. Asked where `info` has images; a decision
   * does without.
   */
  observe?(observation: Observation): Promise<unknown>;
  /**
   * Readies the next decision, without a result of its own: called in the three milliseconds before a tick that is to make one, and ever more seldom
   * where it returns after the tick is due. `on` is the loop's `prepare`. It may return
   * a promise of the end of it, so that the next one can begin as late as possible; nobody waits for that. See `Policy.prepare`.
   */
  prepare?(options: PrepareOptions): Promise<void> | void;
  /** Ends the episode; decisions asked for before still belong to it. */
  reset(): void;
}
