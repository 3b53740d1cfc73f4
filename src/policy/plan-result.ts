import type { GivenNoise } from './noise.js';
import type { PastChunk } from './strategy.js';

/** Noise for the decision of this tick, where it makes one; without it, seeded noise. */
export type ActOptions = GivenNoise;

export interface PlanOptions extends GivenNoise {
  /**
   * Results of earlier decisions, newest first, at most two; `[]` for a first decision. The call then neither uses nor
   * changes the policy's own episode. Without this option the call continues that episode.
   */
  readonly previous?: readonly PastChunk[];
  /**
   * In place of the policy's seed. With `previous`, noise follows from the seed alone: give each decision its own, or
   * all draw the same noise.
   */
  readonly seed?: number;
}

/** One decision. */
export interface PlanResult extends PastChunk {
  readonly batch: number;
  /** Normalised chunk, f32 [b][horizon][actionDim]. */
  readonly chunk: Float32Array;
  /** The chunk in the units of the robot, f32 [b][horizon][actionDim]. */
  readonly actionHorizon: Float32Array;
  /** The rows that are to be executed, f32 [b][actionSteps][actionDim]. */
  readonly actions: Float32Array;
  /** Timesteps that the U-Net was evaluated at. */
  readonly timesteps: readonly number[];
  /** Whether the start came from a prediction. */
  readonly warm: boolean;
  /** Per sample, whether the stall rule fired. */
  readonly stalled: readonly boolean[];
  /** From the call of the plan to the actions in JavaScript, in milliseconds. */
  readonly latencyMs: number;
  /** Inner values asked for with `taps` at loading. */
  readonly taps: ReadonlyMap<string, Float32Array>;
}
