import type { Fit } from '../spec/fit.js';
import type { PastChunk } from '../strategies/strategy.js';

/** An observation as it was recorded: values by field. */
export interface RecordedObservation {
  /** Milliseconds since the first message. */
  readonly atMs: number;
  readonly values: ReadonlyMap<string, Float32Array>;
}

/** A tick. */
export interface RecordedAction {
  readonly atMs: number;
  readonly tick: number;
  readonly source: string;
  readonly late: boolean;
  readonly held: boolean;
  readonly sent: boolean;
  /** What was sent, in the units of the robot; empty where nothing was. */
  readonly action: Float64Array;
  readonly latenessMs: number;
}

/** What a decision depended on, and what it came to. */
export interface RecordedDecision {
  readonly atMs: number;
  /** Tick of its newest observation. */
  readonly tick: number;
  readonly latencyMs: number;
  /** Undefined of a source that is no policy. */
  readonly evaluations: number | undefined;
  readonly warm: boolean;
  readonly stalled: boolean;
  readonly expired: boolean;
  /** Undefined where its noise was not drawn by a key, or the source is no policy: it cannot be repeated. */
  readonly noiseKey: { readonly seed: number; readonly episode: number; readonly decision: number; readonly sample: number } | undefined;
  /** Vectors of the window by field, flattened [observationSteps][size]. */
  readonly values: ReadonlyMap<string, Float32Array>;
  /** Numbers of its pictures by field, oldest first. */
  readonly pictures: ReadonlyMap<string, readonly number[]>;
  /** Undefined where its message was dropped, or cut off. */
  readonly chunk: PastChunk | undefined;
}

/** A picture as the policy was given it. */
export interface RecordedPicture {
  readonly data: Uint8Array | Float32Array;
  readonly height: number;
  readonly width: number;
  /** How it becomes one of the policy's size; absent where it is of that size. */
  readonly fit?: Fit;
}

export interface LoopRecording {
  /** What was known of the policy, as texts; lists and objects as JSON. */
  readonly metadata: ReadonlyMap<string, string>;
  readonly observations: readonly RecordedObservation[];
  readonly actions: readonly RecordedAction[];
  readonly decisions: readonly RecordedDecision[];
  readonly log: readonly { readonly atMs: number; readonly level: number; readonly message: string }[];
  /** By their numbers; pictures that were compressed are not among them. */
  readonly pictures: ReadonlyMap<number, RecordedPicture>;
  /** Messages that were dropped while it was recorded, by topic. */
  readonly dropped: Readonly<Record<string, number>>;
  /** Why it ends early, where it does: the file was cut off, or is damaged from some byte on. */
  readonly cut: string | undefined;
}
