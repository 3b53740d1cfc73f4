import type { CheckpointSource } from '../checkpoints/source.js';
import type { Precision } from '../spec/precision.js';
import type { TensorReport } from './compare.js';

/** Folders of a case: the case itself, its policy and, for STEP, its predictor. */
export interface CaseSources {
  readonly golden: CheckpointSource;
  /** Undefined for training cases of a predictor alone, and for those of a method's network. */
  readonly policy?: CheckpointSource | undefined;
  readonly predictor?: CheckpointSource | undefined;
  /** Opens the network of a method: once for what it declares, and once to load it. */
  readonly network?: (() => Promise<CheckpointSource>) | undefined;
  /** What predicts its starts. */
  readonly prior?: CheckpointSource | undefined;
}

export interface CaseReport {
  readonly name: string;
  /** What was loaded, also where 'auto' was asked for. */
  readonly precision: Precision;
  readonly tensors: readonly TensorReport[];
  readonly pass: boolean;
  /** Parts of the case that are not run, each by its name and why; they do not count. */
  readonly leftOut?: readonly string[];
  /** What the engine computed, as a safetensors file: `expected.X` as `X`, `ticks.expected.X` as `ticks.X`. */
  readonly dump: Uint8Array;
}
