import type { AbortSignalLike } from '../foundation/abort-signal.js';
import type { PredictorShape } from '../spec/network-shapes.js';
import type { PolicySpec } from '../spec/policy-spec.js';
import type { NamedTensors } from './named-tensors.js';

/** A policy that was checked completely; only its weights are still on disk. */
export interface PolicyCheckpoint extends PolicySpec {
  /** U-Net tensors under LeRobot's names without prefix, such as "down_modules.0.0.conv1.block.0.weight". */
  readonly weights: NamedTensors;
  /** Those of the image encoders; undefined for a policy without images. */
  readonly encoders: EncoderTensors | undefined;
  /** Bytes that the parameters take on disk. */
  readonly weightBytes: number;
  readonly warnings: readonly string[];
  /** Asked after the last weight was read. Throws CheckpointError when a file was changed since it was opened. */
  assertUnchanged(): Promise<void>;
  close(): Promise<void>;
}

/** Tensors of image encoders under LeRobot's names, such as "rgb_encoder.backbone.0.weight". */
export interface EncoderTensors {
  readonly weights: NamedTensors;
  /** What the names of each encoder's tensors begin with. */
  readonly prefixes: readonly string[];
}

export interface PredictorCheckpoint {
  readonly name: string;
  readonly config: PredictorShape;
  readonly weights: NamedTensors;
  /** Trained values; the position tables are buffers and do not count. */
  readonly parameters: number;
  readonly weightBytes: number;
  readonly warnings: readonly string[];
  /** Asked after the last weight was read. Throws CheckpointError when a file was changed since it was opened. */
  assertUnchanged(): Promise<void>;
  close(): Promise<void>;
}

export interface LoadOptions {
  /** Ends the load, also a read that is under way, and every later read of weights. */
  readonly signal?: AbortSignalLike;
}
