import type { NamedBlob } from '../checkpoints/source.js';
import type { DecideOptions, Decision } from '../policy/decision-result.js';
import type { PolicyInfo } from '../policy/info.js';
import type { LoadProgress } from '../policy/load-progress.js';
import type { PrecisionChoice } from '../policy/precision.js';
import type { PrepareOptions } from '../spec/prepare-options.js';
import type { StrategyOptions } from '../strategies/strategy-options.js';
import type { PostedObservation } from './pictures.js';

/** Files of a checkpoint folder that can go to a worker: chosen or dropped ones, or bytes by name. */
export interface PostableFiles {
  readonly name: string;
  readonly files: readonly NamedBlob[] | Readonly<Record<string, Uint8Array | string>>;
}

/** What a worker loads a policy from: an address (`hf:…`, `https:…`; in Node and Deno also the path of a folder), or files. */
export type PostableSource = string | PostableFiles;

/** Options of a load that can be posted. */
export interface PostableLoadOptions {
  readonly networks?: { readonly predictor?: PostableSource; readonly methods?: PostableSource | readonly PostableSource[] };
  readonly strategy?: StrategyOptions;
  readonly precision?: PrecisionChoice;
  readonly seed?: number;
  readonly probes?: readonly string[];
}

/** The calls of a policy that a worker answers, by name: what goes in, what comes back. */
export interface WorkerCalls {
  load(source: PostableSource, options: PostableLoadOptions): PolicyInfo;
  act(observation: PostedObservation): Float32Array;
  decide(window: PostedObservation, options: DecideOptions): Decision;
  observe(observation: PostedObservation): void;
  prepare(options: PrepareOptions): void;
  warmup(batch: number): void;
  useStrategy(options: StrategyOptions): PolicyInfo;
  reset(): void;
  dispose(): void;
}
export type CallName = keyof WorkerCalls;

/** To the worker. */
export type ToWorker =
  | { readonly id: number; readonly call: CallName; readonly args: readonly unknown[] }
  /** Stops the load that is under way. */
  | { readonly abort: true }
  /** A picture that no message will name again. */
  | { readonly forget: number };

/** An error as it travels: classes do not survive a message. */
export interface PostedError {
  readonly name: string;
  readonly message: string;
}

/** From the worker. */
export type FromWorker =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: PostedError }
  | { readonly fraction: number; readonly progress: LoadProgress };
