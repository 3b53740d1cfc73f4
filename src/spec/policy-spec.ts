import type { ImageEncoderShape, UnetShape } from './network-shapes.js';
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

/** Beyond this a normalised value has nothing to do with the statistics: something that was constant in the policy's data, other units, another robot. */
export const MOST_NORMALIZED = 1e4;

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
}

/** A vector that the network reads. */
export interface VectorFeature extends FeatureOfFrame {
  readonly kind: 'vector';
  /** Of its values. */
  readonly normalizer: Normalizer;
}

/** An image that the network reads the features of; how they are made is the same for all images (`ImageInputs`). */
export interface ImageFeature extends FeatureOfFrame {
  readonly kind: 'image';
  readonly channels: number;
  /** In pixels, as the camera delivers it. */
  readonly height: number;
  readonly width: number;
  /** Of its pixels from 0 to 1, one value for each channel. Features are not normalised. */
  readonly normalizer: Normalizer;
}

/** What the network reads of an observation. */
export type ObservationFeature = VectorFeature | ImageFeature;

/** Height and width in pixels. */
export type Sides = readonly [number, number];

/** How the images of a policy become features: first resized, then cropped to their middle, then encoded. */
export interface ImageInputs {
  /** Of the images as cameras deliver them. */
  readonly frame: Sides;
  /** Antialiased, aspect ratio not kept; undefined: not resized. */
  readonly resize: Sides | undefined;
  /** The middle of what is there by then; undefined: all of it. */
  readonly crop: Sides | undefined;
  readonly encoder: ImageEncoderShape;
  /** Whether each camera has an encoder of its own, also where there is one camera. */
  readonly isSeparate: boolean;
}

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
  /** In the order of the conditioning vector: state, images, environment state. */
  readonly observations: readonly ObservationFeature[];
  /** Undefined for a policy without images. */
  readonly images: ImageInputs | undefined;
  readonly action: Unnormalizer;
  readonly parameters: number;
}

/** Observations as a robot knows them. */
export function observationInfo(features: readonly ObservationFeature[]): ObservationInfo[] {
  return features.map((feature) => {
    const { rawName, name, size } = feature;
    if (feature.kind === 'vector') return { kind: 'vector', name: rawName, feature: name, size };
    const { channels, height, width } = feature;
    return { kind: 'image', name: rawName, feature: name, height, width, channels, features: size };
  });
}

interface NamedObservation {
  /** The name that act() takes. */
  readonly name: string;
  /** The policy's own name for it, which differs where the checkpoint renames observations. */
  readonly feature: string;
}

/** A vector of a tick. */
export interface VectorObservation extends NamedObservation {
  readonly kind: 'vector';
  readonly size: number;
}

/** An image of a tick. */
export interface ImageObservation extends NamedObservation {
  readonly kind: 'image';
  /** In pixels. */
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** Values that its encoder makes of it. */
  readonly features: number;
}

/** One observation of a tick. */
export type ObservationInfo = VectorObservation | ImageObservation;

/** Values of an observation in a frame. */
export function valuesInFrame(observation: ObservationInfo): number {
  return observation.kind === 'vector' ? observation.size : observation.features;
}
