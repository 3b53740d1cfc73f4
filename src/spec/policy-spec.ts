import type { UnetShape } from './network-shapes.js';
import type { NoiseScheduleOptions } from './noise-schedule.js';
import type { PredictionType, Thresholding, TimestepSpacing, VarianceType } from './sampling.js';

export interface SchedulerConfig extends NoiseScheduleOptions {
  readonly type: 'DDPM' | 'DDIM';
  readonly predictionType: PredictionType;
  readonly clipSample: boolean;
  readonly clipSampleRange: number;
  /** Takes the place of the clip. Default: none. */
  readonly thresholding?: Thresholding;
  /** Default: that of the solver in diffusers. */
  readonly timestepSpacing?: TimestepSpacing;
  /** Added to the timesteps of `leading` spacing. Default 0. */
  readonly stepsOffset?: number;
  /** Of DDIM. Default true. */
  readonly setAlphaToOne?: boolean;
  /** Of DDPM. Default fixed_small. */
  readonly varianceType?: VarianceType;
  /** LeRobot's null is resolved to numTrainTimesteps. */
  readonly numInferenceSteps: number;
}

export type NormalizationMode = 'identity' | 'min-max' | 'mean-std' | 'quantiles' | 'quantile10' | 'scale-offset';

/**
 * y = (x − subtract) / divide · multiply + add, per element, in f32. One form for every mode, so that one kernel serves
 * them all: MIN_MAX is (min, max − min, 2, −1), MEAN_STD is (mean, std + eps, 1, 0), identity is (0, 1, 1, 0).
 */
export interface Normalizer {
  readonly mode: NormalizationMode;
  readonly subtract: Float32Array;
  readonly divide: Float32Array;
  readonly multiply: Float32Array;
  readonly add: Float32Array;
}

/**
 * x = (y + add) · halve · multiply + shift, per element, in f32: MIN_MAX is (1, 0.5, max − min, min), MEAN_STD is
 * (0, 1, std, mean), identity is (0, 1, 1, 0).
 */
export interface Unnormalizer {
  readonly mode: NormalizationMode;
  readonly add: Float32Array;
  readonly halve: Float32Array;
  readonly multiply: Float32Array;
  readonly shift: Float32Array;
}

interface FeatureOfFrame {
  /** Name inside the policy, such as "observation.state". */
  readonly name: string;
  /** Name under which a robot delivers it, before the checkpoint's rename map. */
  readonly rawName: string;
  /** Values of it in a frame, and so in the conditioning vector; of an image, the features that its encoder makes. */
  readonly size: number;
  /** Of these values. */
  readonly normalizer: Normalizer;
}

/** A vector that the network reads. */
export interface VectorFeature extends FeatureOfFrame {
  readonly kind: 'vector';
}

/** An image that the network reads the features of. No checkpoint with one can be loaded yet. */
export interface ImageFeature extends FeatureOfFrame {
  readonly kind: 'image';
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** What the network reads of an observation. */
export type ObservationFeature = VectorFeature | ImageFeature;

/**
 * On-disk format: A is LeRobot with `input_shapes`, B with `input_features` and statistics inside the model file, C with
 * processor files; "diffusion-policy" has the tensor names of the original Diffusion Policy code.
 */
export type Dialect = 'A' | 'B' | 'C' | 'diffusion-policy';

/** What a policy is: everything that its checkpoint declares but the weights. Plain data; nothing of it is open. */
export interface PolicySpec {
  readonly name: string;
  readonly dialect: Dialect;
  readonly unet: UnetShape;
  readonly scheduler: SchedulerConfig;
  readonly observationSteps: number;
  readonly actionSteps: number;
  /** In the order of the conditioning vector: state, then environment state. */
  readonly observations: readonly ObservationFeature[];
  readonly action: Unnormalizer;
  readonly parameters: number;
}

/** Observations as a robot knows them. */
export function observationInfo(features: readonly ObservationFeature[]): ObservationInfo[] {
  return features.map(({ rawName, name, size }) => ({ name: rawName, feature: name, size }));
}

/** One observation of a tick. */
export interface ObservationInfo {
  /** The name that act() takes. */
  readonly name: string;
  /** The policy's own name for it, which differs where the checkpoint renames observations. */
  readonly feature: string;
  readonly size: number;
}
