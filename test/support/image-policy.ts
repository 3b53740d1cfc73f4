import { encoderTensorShapes } from '../../src/checkpoints/lerobot/encoder-tensors.js';
import { unetTensorShapes } from '../../src/checkpoints/lerobot/unet-tensors.js';
import { type CheckpointSource, memorySource } from '../../src/checkpoints/source.js';
import type { ImageEncoderShape, UnetShape } from '../../src/spec/network-shapes.js';
import { type SyntheticTensor, syntheticFile } from '../../src/synthetic/file.js';
import { type Fill, fillValues } from '../../src/synthetic/fill.js';

/** A policy of two cameras that share a ResNet-18: the smallest that there is, beside its U-Net. */
export const ENCODER: ImageEncoderShape = { backbone: 'resnet18', norm: 'group', keypoints: 3, encoders: 1, height: 33, width: 40 };
export const FRAME = { height: 36, width: 47 } as const;
export const CAMERAS = ['observation.images.left', 'observation.images.right'] as const;
/** By camera: mean and deviation of all channels. */
export const STATISTICS = [
  { mean: [0.4, 0.5, 0.6], std: [0.2, 0.25, 0.3] },
  { mean: [0.1, 0.2, 0.3], std: [0.5, 0.4, 0.3] },
] as const;
export const STATE_DIM = 2;
const STEPS = 2;
/** Values of a frame: state, keypoints of both cameras. */
export const FRAME_WIDTH = STATE_DIM + CAMERAS.length * 2 * ENCODER.keypoints;

const UNET: UnetShape = {
  actionDim: 2,
  horizon: 8,
  downDims: [8, 16],
  kernelSize: 3,
  groups: 4,
  stepEmbedDim: 8,
  conditioningDim: STEPS * FRAME_WIDTH,
  scaleModulation: true,
};

/** U(−√(3/fan-in), √(3/fan-in)) for weights, so that activations keep their size; norms near identity. */
function fillOf(name: string, shape: readonly number[]): Fill {
  const seed = [...name].reduce((hash, letter) => (Math.imul(hash ^ letter.charCodeAt(0), 0x01000193) + 0x9e3779b9) | 0, 7);
  if (shape.length > 1) return { kind: 'uniform', bound: Math.sqrt(3 / shape.slice(1).reduce((all, size) => all * size, 1)), seed };
  return name.endsWith('bias') ? { kind: 'uniform', bound: 0.2, seed } : { kind: 'constant', value: 0.8 };
}

const made = new Map<string, Float32Array>();

/** Values of a tensor of the encoder, by its name without prefix. */
export function encoderTensor(name: string): Float32Array {
  const known = made.get(name) ?? makeTensor(name);
  made.set(name, known);
  return known;
}

function makeTensor(name: string): Float32Array {
  const shape = encoderTensorShapes(ENCODER).get(name) as readonly number[];
  const values = new Float32Array(shape.reduce((all, size) => all * size, 1));
  if (name === 'pool.pos_grid') return positions();
  fillValues(fillOf(name, shape), 0, values);
  return values;
}

/** Rows and columns of the keypoint maps. */
const GRID = [Math.ceil(ENCODER.height / 32), Math.ceil(ENCODER.width / 32)] as const;

function positions(): Float32Array {
  const [rows, columns] = GRID;
  const at = (i: number, count: number): number => (count === 1 ? -1 : -1 + (2 * i) / (count - 1));
  return Float32Array.from(
    Array.from({ length: rows * columns }, (_, i) => [at(i % columns, columns), at(Math.floor(i / columns), rows)]).flat(),
  );
}

/** What is different in a checkpoint. */
export interface ImagePolicyChange {
  readonly config?: (config: Record<string, unknown>) => object;
  /** Whether the encoder's tensors are those that the changed configuration asks for. */
  readonly fits?: boolean;
  /** Values of the environment state, which then has statistics. */
  readonly environment?: number;
  /** Names of tensors in the file. */
  readonly rename?: (name: string) => string;
  /** Further tensors. */
  readonly more?: Readonly<Record<string, readonly number[]>>;
  /** Of the deviations of the second camera. */
  readonly statisticsShape?: readonly number[];
}

/** A LeRobot checkpoint, with statistics inside the model file, whose weights are made while they are read. */
export function imagePolicy(change: ImagePolicyChange = {}): CheckpointSource {
  const image = { type: 'VISUAL', shape: [3, FRAME.height, FRAME.width] };
  const unchanged = {
    type: 'diffusion',
    n_obs_steps: STEPS,
    horizon: UNET.horizon,
    n_action_steps: 3,
    input_features: {
      'observation.state': { type: 'STATE', shape: [STATE_DIM] },
      [CAMERAS[0]]: image,
      [CAMERAS[1]]: image,
    },
    output_features: { action: { type: 'ACTION', shape: [UNET.actionDim] } },
    normalization_mapping: { VISUAL: 'MEAN_STD', STATE: 'MIN_MAX', ACTION: 'MIN_MAX' },
    crop_shape: [ENCODER.height, ENCODER.width],
    use_group_norm: true,
    spatial_softmax_num_keypoints: ENCODER.keypoints,
    use_separate_rgb_encoder_per_camera: false,
    down_dims: UNET.downDims,
    kernel_size: UNET.kernelSize,
    n_groups: UNET.groups,
    diffusion_step_embed_dim: UNET.stepEmbedDim,
    noise_scheduler_type: 'DDIM',
    num_inference_steps: 2,
  };
  const config = JSON.parse(JSON.stringify(change.config?.(unchanged) ?? unchanged)) as Record<string, unknown>;
  const { environment = 0, rename = (name) => name } = change;
  const tensors: SyntheticTensor[] = [];
  const add = (name: string, shape: readonly number[], fill: Fill): void => void tensors.push({ name: rename(name), shape, fill });
  const unet = { ...UNET, conditioningDim: UNET.conditioningDim + STEPS * environment };
  for (const [name, shape] of unetTensorShapes(unet)) add(`diffusion.unet.${name}`, shape, fillOf(name, shape));
  const { encoder, prefixes } = change.fits ? fitting(config) : { encoder: ENCODER, prefixes: [''] };
  for (const prefix of prefixes) {
    for (const [name, shape] of encoderTensorShapes(encoder)) {
      const isGrid = encoder === ENCODER && name === 'pool.pos_grid';
      add(`diffusion.rgb_encoder.${prefix}${name}`, shape, isGrid ? { kind: 'values', values: positions() } : fillOf(name, shape));
    }
  }
  for (const [name, shape] of Object.entries(change.more ?? {})) add(name, shape, fillOf(name, shape));
  const statistic = (group: string, feature: string, kind: string, values: readonly number[], shape: readonly number[]): void =>
    add(`${group}.buffer_${feature.replaceAll('.', '_')}.${kind}`, shape, { kind: 'values', values: Float32Array.from(values) });
  for (const [group, feature] of [
    ['normalize_inputs', 'observation.state'],
    ['unnormalize_outputs', 'action'],
  ] as const) {
    statistic(group, feature, 'min', [-1, -1], [2]);
    statistic(group, feature, 'max', [1, 1], [2]);
  }
  CAMERAS.forEach((camera, i) => {
    const { mean, std } = STATISTICS[i] as (typeof STATISTICS)[number];
    statistic('normalize_inputs', camera, 'mean', mean, i === 0 ? [3, 1, 1] : [3]);
    statistic('normalize_inputs', camera, 'std', std, (i === 1 ? change.statisticsShape : undefined) ?? [3, 1, 1]);
  });
  const model = syntheticFile('model.safetensors', tensors);
  const json = memorySource('image policy', { 'config.json': JSON.stringify(config) });
  return {
    name: json.name,
    list: async () => ['config.json', model.name],
    open: async (file) => (file === model.name ? model : json.open(file)),
    close: async () => {},
  };
}

/** The encoder of a changed configuration. */
function fitting(config: Record<string, unknown>): { readonly encoder: ImageEncoderShape; readonly prefixes: readonly string[] } {
  const resize = config['resize_shape'] as readonly [number, number] | undefined;
  const ratio = (config['crop_ratio'] as number | undefined) ?? 1;
  const crop = config['crop_shape'] as readonly [number, number] | null;
  const [height, width] = resize ? resize.map((side) => Math.trunc(side * ratio)) : (crop ?? [FRAME.height, FRAME.width]);
  const separate = config['use_separate_rgb_encoder_per_camera'] === true;
  const encoder: ImageEncoderShape = {
    ...ENCODER,
    height: height as number,
    width: width as number,
    norm: config['use_group_norm'] === false ? 'batch' : 'group',
    backbone: (config['vision_backbone'] as ImageEncoderShape['backbone'] | undefined) ?? ENCODER.backbone,
    encoders: separate ? CAMERAS.length : 1,
  };
  return { encoder, prefixes: separate ? CAMERAS.map((_, camera) => `${camera}.`) : [''] };
}

/** Bytes of a frame [height][width][3], which differ from camera to camera and frame to frame. */
export function pixels(camera: number, salt: number): Uint8Array {
  return Uint8Array.from({ length: 3 * FRAME.height * FRAME.width }, (_, i) => {
    const pixel = Math.floor(i / 3);
    const [row, column] = [Math.floor(pixel / FRAME.width), pixel % FRAME.width];
    return Math.round(127 + 60 * Math.sin(row / (3 + salt) + (i % 3)) + 60 * Math.cos(column / (4 + camera) - salt));
  });
}

/** An observation of one tick. */
export function imageObservation(salt: number): Record<string, Uint8Array | number[]> {
  return {
    'observation.state': [Math.sin(salt), Math.cos(salt)],
    ...Object.fromEntries(CAMERAS.map((camera, i) => [camera, pixels(i, salt)])),
  };
}
