import type { AbortSignalLike } from '../foundation/abort-signal.js';
import type { MethodConfig } from '../spec/method-networks.js';
import type { CvaeShape, PredictorObservation, PredictorShape } from '../spec/network-shapes.js';
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

/** A network that makes starts, checked; only its weights are still on disk. */
interface StartFiles {
  readonly name: string;
  /** What it reads of each observation frame. */
  readonly observation: PredictorObservation;
  readonly weights: NamedTensors;
  /** Trained values that inference reads; the position tables are buffers and do not count. */
  readonly parameters: number;
  readonly weightBytes: number;
  readonly warnings: readonly string[];
  /** Asked after the last weight was read. Throws CheckpointError when a file was changed since it was opened. */
  assertUnchanged(): Promise<void>;
  close(): Promise<void>;
}

/** The STEP predictor. */
export interface PredictorCheckpoint extends StartFiles {
  readonly kind: 'transformer';
  readonly config: PredictorShape;
}

/** A conditional variational autoencoder, of which inference reads the decoder. */
export interface CvaeCheckpoint extends StartFiles {
  readonly kind: 'cvae';
  readonly config: CvaeShape;
}

/** A network that makes starts of decisions. */
export type StartCheckpoint = PredictorCheckpoint | CvaeCheckpoint;

/** The network of a method, checked; only its weights are still on disk. */
export interface MethodCheckpoint {
  readonly name: string;
  readonly config: MethodConfig;
  /** Tensors of U-Nets under LeRobot's names, behind the prefix of each; others as the file has them. */
  readonly weights: NamedTensors;
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
