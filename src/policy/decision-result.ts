import type { GivenNoise, NoiseSeed } from '../decision/noise.js';
import type { Schedule } from '../diffusion/solver-step.js';
import type { Observation } from '../observations/frame.js';
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
  /** `Decision.noiseKey` of a decision that is repeated, in place of a seed: draws the noise that it had. With `previous` alone. */
  readonly noiseKey?: NoiseSeed;
}

export interface EpisodeOptions {
  /** Default: the policy's. */
  readonly strategy?: StrategyOptions;
  /** Seed of its noise: the same seed, the same noise, whatever else the policy does. Default: the policy's. */
  readonly seed?: number;
}

/** The next decision of an episode of `beginEpisode`. */
export interface EpisodeRequest extends GivenNoise {
  readonly episode: Episode;
  /** Raw observations by name, flattened [observationSteps][size], oldest frame first. */
  readonly window: Observation;
}

/** A decision that depends on what it is given alone; see `DecideOptions`. Seeded noise depends on its place in the list too. */
export interface StatelessRequest extends DecideOptions {
  readonly window: Observation;
  readonly previous: readonly PastChunk[];
}

export type DecideRequest = EpisodeRequest | StatelessRequest;

/**
 * What a usual decision of a strategy asks of a device, alone: the first of an episode may cost more, and so do further runs that some
 * decisions need (Falcon's comparison of candidates). Without image encoders.
 */
export interface DecisionCost {
  readonly dispatches: number;
  /** Bytes of weights and of rows of tables, as they are stored, that all dispatches read: each those that it binds, once. */
  readonly weightBytes: number;
  /** Values that are trained for the strategy beside the policy: those of its predictor, and of its method's network. */
  readonly trainedParameters: number;
}

/** A decision. */
export interface Decision extends PastChunk {
  /** Normalised chunk, f32 [horizon][actionDim]. */
  readonly normalizedChunk: Float32Array;
  /**
   * The chunk in the units of the robot, f32 [horizon][actionDim]. Of strategies that do not decide ahead (`PolicyInfo.decidesAhead`) `horizon` is
   * their network's, and rows behind `actions` are still noise.
   */
  readonly chunk: Float32Array;
  /** The rows that are to be executed, f32 [actionSteps][actionDim]; how many the strategy decides. */
  readonly actions: Float32Array;
  /** Row of the chunk that `actions` begin with, the one of the newest observation: observationSteps − 1, of RNR-DP 0. */
  readonly firstRow: number;
  /** Timesteps of the run that made the chunk; of methods with a network of their own, what they call their levels. */
  readonly timesteps: readonly number[];
  /** U-Net evaluations, `screening` included. */
  readonly evaluations: number;
  /** Evaluations that only compared candidates (Falcon). */
  readonly screening: number;
  /** Whether the start came from a prediction or an earlier sample. */
  readonly warm: boolean;
  /** Whether the stall rule fired. */
  readonly stalled: boolean;
  /**
   * What its noise was drawn by; undefined where the caller gave noise. With the window and the two results before it this repeats the
   * decision: see `DecideOptions`.
   */
  readonly noiseKey: NoiseSeed | undefined;
  /** From the call to the actions in JavaScript, in milliseconds; of decisions made together, that of all. */
  readonly latencyMs: number;
  /**
   * Inner values asked for with `probes` at loading, [b]…: of all decisions that ran in one batch with this one. Where a decision took several runs,
   * those of the runs before the last are there too, as `run.0.NAME`, `run.1.NAME`, …
   */
  readonly probes: ReadonlyMap<string, Float32Array>;
}

/** Rows of a chunk that are executed: `count` of them from `firstRow` on, of `actionDim` values each. @internal */
export interface ExecutedRows {
  readonly firstRow: number;
  readonly count: number;
  readonly actionDim: number;
}

const TIMESTEPS = new WeakMap<Schedule, readonly number[]>();

/** The timesteps of a schedule, made once: every decision brings them. Frozen, because all decisions share them. */
function timestepsOf(schedule: Schedule): readonly number[] {
  const known = TIMESTEPS.get(schedule);
  if (known) return known;
  const timesteps = Object.freeze(schedule.steps.map(({ timestep }) => timestep));
  TIMESTEPS.set(schedule, timesteps);
  return timesteps;
}

/** What was made, as a decision. @internal */
export function toDecision(
  { outcome, evaluations, probes }: MadeDecision,
  { firstRow, count, actionDim }: ExecutedRows,
  noiseKey: NoiseSeed | undefined,
  latencyMs: number,
): Decision {
  const { result, request, screening, warm, stalled } = outcome;
  return {
    // Copies: the episode goes on from its own, whatever a caller does with these.
    normalizedChunk: result.normalizedChunk.slice(),
    chunk: result.chunk.slice(),
    actions: result.chunk.slice(firstRow * actionDim, (firstRow + count) * actionDim),
    firstRow,
    timesteps: timestepsOf(request.schedule),
    evaluations,
    screening,
    warm,
    stalled,
    noiseKey,
    latencyMs,
    probes,
  };
}
