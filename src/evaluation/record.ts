import type { DecisionCost } from '../policy/decision-result.js';
import type { StrategyOptions } from '../strategies/strategy-options.js';
import type { RecordPrecision } from './evaluated-policy.js';

/** What can be drawn of an episode, tick by tick; index 0 is the state after the reset. Numbers are rounded for the file. */
export interface Replay {
  /** [ticks + 1][axes of the scene's snapshot] flattened: snapshots of the environment. */
  readonly states: readonly number[];
  /** [ticks][axes of the scene's targets] flattened: the action that was sent in each tick. */
  readonly targets: readonly number[];
  /** Ticks at which a decision was made, ascending; the first is 0. */
  readonly decisionTicks: readonly number[];
  /** Positions in `decisionTicks` of the decisions that the stall rule fired on. */
  readonly stalledDecisions: readonly number[];
}

/** One episode of one strategy. */
export interface EpisodeRecord {
  readonly seed: number;
  /** The largest reward of the episode, 0 … 1. */
  readonly score: number;
  readonly success: boolean;
  /** Ticks that were executed. */
  readonly ticks: number;
  readonly decisions: number;
  /** U-Net evaluations of all decisions, `screening` included. */
  readonly evaluations: number;
  /** Those of them that only compared candidates (Falcon). */
  readonly screening: number;
  /** Decisions that the stall rule fired on. */
  readonly stalls: number;
  /**
   * One per chunk border: distance from the last executed action to the first of the next decision, Euclidean over the
   * action dimensions, in normalised action space (−1 … 1).
   */
  readonly jumps: readonly number[];
  /** Reward after each tick, rounded to 4 digits, [ticks]. */
  readonly rewards: readonly number[];
  /** Why the episode ended early, where it did: e.g. the network was not finite. Its score is what was reached before. */
  readonly failure?: string;
  readonly replay?: Replay;
}

/** Latencies of single decisions, batch 1, one after the other, in milliseconds. */
export interface LatencyRecord {
  readonly samplesMs: readonly number[];
}

/** One strategy over all seeds. */
export interface StrategyRecord {
  /** As it was asked for, e.g. `step:2` or `step:2/start=eq13`; unique in a record. */
  readonly name: string;
  /** For people, e.g. "STEP 2 (forward-noise, cold DDIM 16)". */
  readonly description: string;
  readonly options: StrategyOptions;
  /** What a usual decision asks of the device, alone and without image encoders; absent where decisions are made on the host. */
  readonly cost?: DecisionCost;
  /** In the order of their seeds. */
  readonly episodes: readonly EpisodeRecord[];
  /** Of decisions after the first of an episode; absent where latencies were not measured. */
  readonly latency?: LatencyRecord;
  /** Of first decisions, where they are sampled differently (STEP's cold start). */
  readonly coldLatency?: LatencyRecord;
}

/** An axis of a grid of strategies. */
export interface GridAxis {
  /** Option of the strategy, e.g. `sigmaScale`. */
  readonly option: string;
  readonly values: readonly string[];
}

/** Strategies that differ in one or two options, for a table or a heat map. */
export interface StrategyGrid {
  /** One or two axes. */
  readonly axes: readonly GridAxis[];
  /** Names of strategies, [values of axis 0][values of axis 1], flattened; with one axis [values]. */
  readonly cells: readonly string[];
}

/** A strategy that was wanted and not evaluated. */
export interface LeftOutStrategy {
  readonly name: string;
  /** E.g. which network it needs. */
  readonly why: string;
}

/** Which part of an evaluation a record is, where several processes or machines share one. */
export interface RecordShard {
  /** From 1 to `count`. Episode i of the evaluation belongs to part i mod count + 1. */
  readonly index: number;
  readonly count: number;
  /** What all parts must have in common beside the record: contents of checkpoints and the like, as in the journal. */
  readonly fingerprint: Readonly<Record<string, string | number | null>>;
}

/** An evaluation: what was evaluated, on what, and every episode. JSON-serialisable; written beside the HTML report. */
export interface EvaluationRecord {
  readonly format: 'warmstep-evaluation';
  readonly version: 1;
  /** Name of the task, whose scene tells what replays hold. */
  readonly task: string;
  /** Ticks after which an episode is cut. */
  readonly maxTicks: number;
  /** What the task was simulated by, with its version, where the task says so. */
  readonly simulator?: string;
  readonly policy: { readonly name: string; readonly parameters: number; readonly predictor: string | null };
  readonly precision: RecordPrecision;
  readonly adapter: { readonly description: string; readonly isSoftware: boolean };
  /** Seed of the first episode; episode i has seed + i. */
  readonly seed: number;
  readonly episodes: number;
  /** Absent in the record of an undivided evaluation. A part has `seed` and `episodes` of the whole, and its share of the episodes. */
  readonly shard?: RecordShard;
  /** Of warmstep. */
  readonly softwareVersion: string;
  /** ISO 8601. */
  readonly date: string;
  readonly strategies: readonly StrategyRecord[];
  /** Strategies of a preset, or the usual ones, that could not run, or were not to. Absent where there are none. */
  readonly leftOut?: readonly LeftOutStrategy[];
  readonly grids: readonly StrategyGrid[];
}
