/** Sizes of the networks: what a checkpoint declares and what a plan is recorded from. */

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
  /** How levels of noise are embedded. Default: one timestep, as policies do (`ONE_TIMESTEP`). */
  readonly levels?: LevelEncoding;
}

/** How a U-Net embeds the level of noise of its sample: sinusoids → linear, Mish, linear (`diffusion_step_encoder`) → what FiLM reads. */
export interface LevelEncoding {
  /** Embeddings that FiLM reads one after the other, before the conditioning; the same encoder makes each. */
  readonly embeddings: number;
  /** Levels whose sinusoids, one after the other, are the input of the encoder for one embedding. */
  readonly joined: number;
  /** Index in `diffusion_step_encoder` of its two linear layers. */
  readonly layers: readonly [number, number];
  /** Whether angles are rounded to f32, as PyTorch does; else sinusoids are those of float64, which large levels need. */
  readonly rounded: boolean;
}

/** Of the U-Net of a policy: LeRobot's and Diffusion Policy's. */
export const ONE_TIMESTEP: LevelEncoding = { embeddings: 1, joined: 1, layers: [1, 3], rounded: true };

/** Values that FiLM reads of a level, before the conditioning. */
export function levelWidth({ levels = ONE_TIMESTEP, stepEmbedDim }: UnetShape): number {
  return levels.embeddings * stepEmbedDim;
}

/** Groups of the U-Net's last norm, whatever the configuration says. */
export const FINAL_GROUPS = 8;

/** The STEP predictor: a transformer over history and observation tokens (network of the STEP release). */
export interface PredictorShape {
  readonly actionDim: number;
  /** Width of an observation token before it is embedded. */
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

/** What a predictor reads of each observation frame. */
export type PredictorObservation = ConditioningRows | RawRows;

/** A frame of the policy's conditioning vector: normalised vectors and the features of the policy's own image encoder. */
interface ConditioningRows {
  readonly kind: 'conditioning';
}

/**
 * Features of an image encoder of the predictor's own, then vectors in the units of the robot; no statistics of the policy touch them
 * (the image predictors of the STEP release).
 */
export interface RawRows {
  readonly kind: 'raw';
  /** Names of images, in the order of their features. */
  readonly cameras: readonly string[];
  /** Names of vectors, which follow the features. */
  readonly vectors: readonly string[];
  readonly encoder: SmallEncoderShape;
  /** Values of a row. */
  readonly width: number;
}

/** The image encoder of the STEP release's predictors, which all cameras share: strided convolutions, their mean, a linear layer. */
export interface SmallEncoderShape {
  /** Of one picture. */
  readonly features: number;
  /** Of the pictures as cameras deliver them: they are neither resized nor cropped. */
  readonly height: number;
  readonly width: number;
  /** Whether pixels from 0 to 1 are normalised by ImageNet's statistics; otherwise they are read as they are. */
  readonly imagenetNorm: boolean;
}

/** Channels of its maps; each has half the sides of the one before, rounded up. */
export const SMALL_ENCODER_CHANNELS = [32, 64, 128, 128] as const;

/** The map after layer `layer` of a small encoder. */
export function smallEncoderMap(
  layer: number,
  { height, width }: Pick<SmallEncoderShape, 'height' | 'width'>,
): { readonly channels: number; readonly height: number; readonly width: number } | undefined {
  const channels = SMALL_ENCODER_CHANNELS[layer];
  if (channels === undefined) return undefined;
  // Rounding up each time is rounding up once.
  const halved = (side: number): number => Math.ceil(side / 2 ** (layer + 1));
  return { channels, height: halved(height), width: halved(width) };
}

/** Means and deviations of ImageNet's pixels from 0 to 1, by channel (torchvision). */
export const IMAGENET: { readonly mean: readonly number[]; readonly std: readonly number[] } = {
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
};

/** How a small encoder normalises pixels from 0 to 1: subtract, divide, multiply, add of each of three channels, one after the other. */
export function smallEncoderPixels({ imagenetNorm }: Pick<SmallEncoderShape, 'imagenetNorm'>): number[] {
  return [0, 1, 2].flatMap((channel) =>
    imagenetNorm ? [IMAGENET.mean[channel] as number, IMAGENET.std[channel] as number, 1, 0] : [0, 1, 1, 0],
  );
}

/** Between the layers of a CVAE: `relu` is the STEP release's, `elu` that of BRIDGER's release. Their tensors have names of their own. */
export type CvaeActivation = 'relu' | 'elu';

/**
 * The decoder of a conditional variational autoencoder that predicts chunks: what the STEP release calls BRIDGER, and the prior that BRIDGER's
 * release starts from.
 */
export interface CvaeShape {
  readonly actionDim: number;
  /** Values of one frame of what it reads. */
  readonly observationDim: number;
  readonly horizon: number;
  readonly observationSteps: number;
  /** Values of its condition: all frames, or what a linear layer makes of them where these are not as many. */
  readonly conditionDim: number;
  readonly latentDim: number;
  readonly hiddenDim: number;
  readonly hiddenLayers: number;
  readonly activation: CvaeActivation;
  /** Factor on the latents that are drawn. */
  readonly latentStd: number;
}

/**
 * Name of a linear layer of a CVAE's decoder, a list in which each but the last is followed by ReLU and dropout (STEP's release), or by ELU
 * (BRIDGER's).
 */
export function cvaeDecoderLayer({ activation }: Pick<CvaeShape, 'activation'>, layer: number): string {
  return activation === 'elu' ? `decoder.model.${2 * layer}` : `decoder_net.${3 * layer}`;
}

/** The linear layer between the frames and the condition of a CVAE, as STEP's release calls it. */
export const CONDITION_PROJECTION = 'obs_projection';

/** Whether it is there. */
export function isProjected({ observationDim, observationSteps, conditionDim }: CvaeShape): boolean {
  return observationDim * observationSteps !== conditionDim;
}

/** Backbones of image encoders, by the names of torchvision, with the residual blocks of their four stages. */
export const BACKBONES = {
  resnet18: [2, 2, 2, 2],
  resnet34: [3, 4, 6, 3],
  resnet50: [3, 4, 6, 3],
  resnet101: [3, 4, 23, 3],
  resnet152: [3, 8, 36, 3],
} as const;
export type Backbone = keyof typeof BACKBONES;

/** Those whose residual blocks are bottlenecks. */
const BOTTLENECKS: ReadonlySet<Backbone> = new Set(['resnet50', 'resnet101', 'resnet152']);

/** What a residual block of a backbone makes of each of its inner channels: 4 channels in a bottleneck, of three convolutions, else 1. */
export function blockExpansion(backbone: Backbone): 1 | 4 {
  return BOTTLENECKS.has(backbone) ? 4 : 1;
}

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

/**
 * Channels of the maps of an image encoder, and how often their sides were halved, by torchvision's names of what makes them; of stages,
 * before they are expanded.
 */
const ENCODER_MAPS: ReadonlyMap<string, readonly [number, number]> = new Map([
  ['input', [3, 0]],
  ['backbone.0', [64, 1]],
  ['backbone.1', [64, 1]],
  ['backbone.3', [64, 2]],
  ['backbone.4', [64, 2]],
  ['backbone.5', [128, 3]],
  ['backbone.6', [256, 4]],
  ['backbone.7', [512, 5]],
]);

/** The map that a stage of an image encoder makes of one picture; undefined for what is no map. */
export function encoderMap(
  stage: string,
  { backbone, height, width }: Pick<ImageEncoderShape, 'backbone' | 'height' | 'width'>,
): { readonly channels: number; readonly height: number; readonly width: number } | undefined {
  const found = ENCODER_MAPS.get(stage);
  if (!found) return undefined;
  const [inner, halvings] = found;
  const isStage = /^backbone\.[4-7]$/.test(stage);
  const channels = isStage ? inner * blockExpansion(backbone) : inner;
  // Rounding up each time is rounding up once.
  return { channels, height: Math.ceil(height / 2 ** halvings), width: Math.ceil(width / 2 ** halvings) };
}
