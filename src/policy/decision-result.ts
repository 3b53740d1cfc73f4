import type { GivenNoise } from '../decision/noise.js';
import type { Observation } from '../observations/check.js';
import { concatenate } from '../strategies/chunks.js';
import type { PastChunk } from '../strategies/strategy.js';
import type { StrategyOptions } from '../strategies/strategy-options.js';
import type { MadeDecision } from './decide.js';
import type { Episode } from './episode.js';

/** Noise for the decision of this tick, where it makes one; without it, seeded noise. */
export interface ActOptions extends GivenNoise {
  /** An episode of `beginEpisode`, in place of the policy's own. */
  readonly episode?: Episode;
}

export interface DecideOptions extends GivenNoise {
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

export interface EpisodeOptions {
  /** Default: the policy's. */
  readonly strategy?: StrategyOptions;
  /** Seed of its noise: the same seed, the same noise, whatever else the policy does. Default: the policy's. */
  readonly seed?: number;
}

/** A decision of one of many episodes. */
export interface DecideRequest extends GivenNoise {
  readonly episode: Episode;
  /** Raw observations by name, flattened [observationSteps][size], oldest frame first. */
  readonly window: Observation;
}

/** A decision, or those of a batch. */
export interface Decision extends PastChunk {
  readonly batch: number;
  /** Normalised chunk, f32 [b][horizon][actionDim]. */
  readonly normalizedChunk: Float32Array;
  /** The chunk in the units of the robot, f32 [b][horizon][actionDim]. */
  readonly chunk: Float32Array;
  /** The rows that are to be executed, f32 [b][actionSteps][actionDim]; how many the strategy decides. */
  readonly actions: Float32Array;
  /** Timesteps of the run that made the chunk; in a batch, of the first sample. */
  readonly timesteps: readonly number[];
  /** U-Net evaluations per sample, `screening` included. */
  readonly evaluations: readonly number[];
  /** Evaluations per sample that only compared candidates (Falcon). */
  readonly screening: readonly number[];
  /** Whether the start came from a prediction or an earlier sample; in a batch, of any sample. */
  readonly warm: boolean;
  /** Per sample, whether the stall rule fired. */
  readonly stalled: readonly boolean[];
  /** From the call of the plan to the actions in JavaScript, in milliseconds. */
  readonly latencyMs: number;
  /** Inner values asked for with `taps` at loading. */
  readonly taps: ReadonlyMap<string, Float32Array>;
}

/** What decisions of one strategy became, as one result. `rows`: those of a chunk that are executed. */
export function toDecision(
  made: readonly MadeDecision[],
  rows: { readonly first: number; readonly count: number; readonly actionDim: number },
  latencyMs: number,
): Decision {
  const outcomes = made.map(({ outcome }) => outcome);
  const [first] = made as readonly [MadeDecision];
  const executed = (values: Float32Array): Float32Array =>
    values.subarray(rows.first * rows.actionDim, (rows.first + rows.count) * rows.actionDim);
  return {
    batch: made.length,
    normalizedChunk: concatenate(outcomes.map(({ result }) => result.normalizedChunk)),
    chunk: concatenate(outcomes.map(({ result }) => result.chunk)),
    actions: concatenate(outcomes.map(({ result }) => executed(result.chunk))),
    timesteps: first.outcome.request.schedule.steps.map((step) => step.timestep),
    evaluations: made.map(({ evaluations }) => evaluations),
    screening: outcomes.map(({ screening }) => screening),
    warm: outcomes.some(({ warm }) => warm),
    stalled: outcomes.map(({ stalled }) => stalled),
    latencyMs,
    taps: first.taps,
  };
}
