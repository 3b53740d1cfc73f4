import { unetTensorShapes } from '../checkpoints/lerobot/unet-tensors.js';
import { POSITION_TABLES, predictorTensorShapes } from '../checkpoints/predictor/predictor-tensors.js';
import { predictorConfigValues } from '../checkpoints/predictor/write-predictor.js';
import { type ByteSource, type CheckpointSource, memorySource } from '../checkpoints/source.js';
import type { ImageEncoderShape, PredictorShape, UnetShape } from '../spec/network-shapes.js';
import { syntheticEncoder } from './encoder.js';
import { type SyntheticTensor, syntheticFile } from './file.js';
import { initialFill } from './fill.js';

export const SYNTHETIC_SIZES = ['large', 'small', 'tiny'] as const;
/** `large` and `small` are the two U-Nets of the STEP paper's robomimic tables, 249,074,826 and 65,883,658 parameters. */
export type SyntheticSize = (typeof SYNTHETIC_SIZES)[number];

const WIDTHS = {
  large: { downDims: [512, 1024, 2048], stepEmbedDim: 128 },
  small: { downDims: [256, 512, 1024], stepEmbedDim: 256 },
  tiny: { downDims: [64, 128, 256], stepEmbedDim: 128 },
} as const satisfies Record<SyntheticSize, Pick<UnetShape, 'downDims' | 'stepEmbedDim'>>;

const STATE_SIZE = 9;
const ENVIRONMENT_SIZE = 14;
const OBSERVATION_STEPS = 2;
const ACTION_STEPS = 8;

/** The observations that a synthetic policy reads: name and size. */
export const SYNTHETIC_OBSERVATIONS = [
  { name: 'observation.state', type: 'STATE', size: STATE_SIZE },
  { name: 'observation.environment_state', type: 'ENV', size: ENVIRONMENT_SIZE },
] as const;

/** Rows of a chunk, of LeRobot's first diffusion policies and of this synthetic one unless another is asked for. */
const HORIZON = 16;

/** Cameras of a synthetic policy, whose pictures its ResNet-18 sees as they are. */
export interface SyntheticCameras {
  readonly cameras: number;
  readonly height: number;
  readonly width: number;
  readonly norm: ImageEncoderShape['norm'];
}

/** The keypoints of an encoder, of which each is two features. */
const KEYPOINTS = 32;

/** Names of the images of a synthetic policy. */
export function syntheticImages(cameras: number): string[] {
  return Array.from({ length: cameras }, (_, camera) => `observation.images.camera_${camera}`);
}

/** Values of a frame, those of pictures included. */
function frameSize(cameras = 0): number {
  return STATE_SIZE + ENVIRONMENT_SIZE + cameras * 2 * KEYPOINTS;
}

/** Sizes of the denoising network. */
export function syntheticUnet(size: SyntheticSize, horizon = HORIZON, cameras = 0): UnetShape {
  return {
    ...WIDTHS[size],
    actionDim: 10,
    horizon,
    kernelSize: 5,
    groups: 8,
    conditioningDim: OBSERVATION_STEPS * frameSize(cameras),
    scaleModulation: true,
  };
}

const PREDICTOR: PredictorShape = {
  actionDim: 10,
  observationDim: STATE_SIZE + ENVIRONMENT_SIZE,
  horizon: HORIZON,
  observationSteps: OBSERVATION_STEPS,
  historySteps: 16,
  encoderLayers: 2,
  modelDim: 128,
  heads: 4,
  decoderLayers: 2,
  feedforwardDim: 256,
};

/** Sizes of the image encoder. */
export function syntheticEncoderShape({ height, width, norm }: Omit<SyntheticCameras, 'cameras'>): ImageEncoderShape {
  return { backbone: 'resnet18', norm, keypoints: KEYPOINTS, encoders: 1, height, width };
}

/**
 * A LeRobot checkpoint (statistics inside the model file) with random weights, made while it is read: for measurements
 * and tests at full size without a gigabyte on a disk or in memory. `horizon`: a multiple of 8. `images`: it looks through cameras too,
 * whose encoder they share.
 */
export function syntheticPolicy(size: SyntheticSize, horizon = HORIZON, images?: SyntheticCameras): CheckpointSource {
  const unet = syntheticUnet(size, horizon, images?.cameras);
  const names = syntheticImages(images?.cameras ?? 0);
  const inputs = [
    ...SYNTHETIC_OBSERVATIONS.map((feature) => [feature.name, { type: feature.type, shape: [feature.size] }]),
    ...names.map((name) => [name, { type: 'VISUAL', shape: [3, images?.height, images?.width] }]),
  ];
  const config = {
    type: 'diffusion',
    n_obs_steps: OBSERVATION_STEPS,
    horizon: unet.horizon,
    n_action_steps: ACTION_STEPS,
    input_features: Object.fromEntries(inputs) as Record<string, unknown>,
    output_features: { action: { type: 'ACTION', shape: [unet.actionDim] } },
    normalization_mapping: { STATE: 'MIN_MAX', ENV: 'MIN_MAX', ACTION: 'MIN_MAX', ...(images ? { VISUAL: 'MEAN_STD' } : {}) },
    ...(images
      ? {
          vision_backbone: 'resnet18',
          resize_shape: null,
          crop_shape: null,
          use_group_norm: images.norm === 'group',
          spatial_softmax_num_keypoints: KEYPOINTS,
          use_separate_rgb_encoder_per_camera: false,
        }
      : {}),
    down_dims: unet.downDims,
    kernel_size: unet.kernelSize,
    n_groups: unet.groups,
    diffusion_step_embed_dim: unet.stepEmbedDim,
    use_film_scale_modulation: unet.scaleModulation,
    noise_scheduler_type: 'DDIM',
    num_train_timesteps: 100,
    beta_schedule: 'squaredcos_cap_v2',
    prediction_type: 'epsilon',
    clip_sample: true,
    clip_sample_range: 1,
    num_inference_steps: 10,
  };
  const statistics = [
    ...SYNTHETIC_OBSERVATIONS.map((feature) => ({ group: 'normalize_inputs', name: feature.name, size: feature.size })),
    { group: 'unnormalize_outputs', name: 'action', size: unet.actionDim },
  ].flatMap(({ group, name, size: length }) =>
    (['min', 'max'] as const).map(
      (statistic): SyntheticTensor => ({
        name: `${group}.buffer_${name.replaceAll('.', '_')}.${statistic}`,
        shape: [length],
        fill: { kind: 'constant', value: statistic === 'min' ? -1 : 1 },
      }),
    ),
  );
  const pictureStatistics = names.flatMap((name) =>
    (['mean', 'std'] as const).map(
      (statistic): SyntheticTensor => ({
        name: `normalize_inputs.buffer_${name.replaceAll('.', '_')}.${statistic}`,
        shape: [3, 1, 1],
        fill: { kind: 'constant', value: 0.5 },
      }),
    ),
  );
  const encoder = images ? syntheticEncoder(syntheticEncoderShape(images), 'diffusion.rgb_encoder.') : [];
  const tensors = [...networkTensors(unetTensorShapes(unet), 'diffusion.unet.'), ...encoder, ...statistics, ...pictureStatistics];
  return folder(`synthetic ${size} policy`, config, syntheticFile('model.safetensors', tensors));
}

/** The predictor that goes with every synthetic policy of this horizon and number of cameras: 670,602 parameters at 16 and none. */
export function syntheticPredictor(horizon = HORIZON, cameras = 0): CheckpointSource {
  const shape = { ...PREDICTOR, horizon, observationDim: frameSize(cameras) };
  const positions = POSITION_TABLES.map((name): [string, number[]] => [name, [1, shape.horizon, shape.modelDim]]);
  const tensors = networkTensors(new Map([...predictorTensorShapes(shape), ...positions]), '');
  return folder('synthetic predictor', predictorConfigValues(shape), syntheticFile('model.safetensors', tensors));
}

function networkTensors(shapes: ReadonlyMap<string, readonly number[]>, prefix: string): SyntheticTensor[] {
  return [...shapes].map(([name, shape]) => ({ name: prefix + name, shape, fill: initialFill(name, shapes) }));
}

function folder(name: string, config: object, model: ByteSource): CheckpointSource {
  const json = memorySource(name, { 'config.json': `${JSON.stringify(config, null, 2)}\n` });
  return {
    name,
    list: async () => [...(await json.list()), model.name],
    open: async (file) => (file === model.name ? model : json.open(file)),
    close: async () => {},
  };
}
