/** Sizes of the two networks: what a checkpoint declares and what a plan is recorded from. */

/** LeRobot's DiffusionConditionalUnet1d. */
export interface UnetShape {
  readonly actionDim: number;
  /** Rows of a chunk; a multiple of 2^(downDims.length − 1), as often as it is halved. */
  readonly horizon: number;
  /** Channels of each level. */
  readonly downDims: readonly number[];
  /** Odd, so that padding kernelSize >> 1 keeps the length. */
  readonly kernelSize: number;
  /** Groups of every group norm but the last, which always has 8. */
  readonly groups: number;
  /** Width of the timestep embedding. */
  readonly stepEmbedDim: number;
  /** Observation steps × width of one frame, without the timestep embedding. */
  readonly conditioningDim: number;
  /** FiLM with scale and bias, or with bias alone. */
  readonly scaleModulation: boolean;
}

/** Groups of the U-Net's last norm, whatever the configuration says. */
export const FINAL_GROUPS = 8;

/** The STEP predictor: a transformer over history and observation tokens (network of the STEP release). */
export interface PredictorShape {
  readonly actionDim: number;
  /** Width of one frame of the conditioning vector. */
  readonly observationDim: number;
  readonly horizon: number;
  readonly observationSteps: number;
  /** The last rows of the previous chunk that the predictor reads. */
  readonly historySteps: number;
  readonly encoderLayers: number;
  /** Blocks with cross-attention. */
  readonly decoderLayers: number;
  readonly modelDim: number;
  readonly heads: number;
  readonly feedforwardDim: number;
}

/** Backbones of image encoders, by the names of torchvision, with the residual blocks of their four stages. */
export const BACKBONES = { resnet18: [2, 2, 2, 2], resnet34: [3, 4, 6, 3] } as const;
export type Backbone = keyof typeof BACKBONES;

/** LeRobot's DiffusionRgbEncoder: a ResNet without its classifier, keypoints, a linear layer. */
export interface ImageEncoderShape {
  readonly backbone: Backbone;
  /** Group norm with 16 channels to a group, or batch norm with running statistics. */
  readonly norm: 'group' | 'batch';
  readonly keypoints: number;
  /** Sets of weights: 1 that all cameras share, or one for each camera. */
  readonly encoders: number;
  /** Of the pictures after resize and crop. */
  readonly height: number;
  readonly width: number;
}
