import { unetTensorShapes } from '../../src/checkpoints/lerobot/unet-tensors.js';
import { POSITION_TABLES, predictorTensorShapes } from '../../src/checkpoints/predictor/predictor-tensors.js';
import { encodeSafetensors, type WritableTensor } from '../../src/checkpoints/safetensors/safetensors.js';
import { type CheckpointSource, memorySource } from '../../src/checkpoints/source.js';
import type { PredictorShape, UnetShape } from '../../src/spec/network-shapes.js';
import { originalName } from './original-names.js';
import type { Tensors } from './reference-networks.js';
import { Normals } from './values.js';

/** Random weights of a size that keeps activations near 1; norms near identity, so that every term shows. */
export function randomTensors(shapes: ReadonlyMap<string, readonly number[]>, seed: number): Record<string, Float32Array> {
  const normals = new Normals(seed);
  return Object.fromEntries(
    [...shapes].map(([name, shape]) => {
      const count = shape.reduce((product, size) => product * size, 1);
      if (shape.length > 1) return [name, normals.floats(count, 1 / Math.sqrt(count / (shape[0] as number)))];
      const isScale = /(block\.1|norm\d?)\.weight$/.test(name);
      return [name, normals.floats(count, 0.1).map((value) => (isScale ? 1 + value : value))];
    }),
  );
}

export function writable(
  tensors: Tensors,
  shapes: ReadonlyMap<string, readonly number[]>,
  stored: (name: string) => string,
): WritableTensor[] {
  return [...shapes].map(([name, shape]) => ({
    name: stored(name),
    dtype: 'F32',
    shape: [...shape],
    data: tensors[name] as Float32Array,
  }));
}

export interface RandomCheckpoint {
  readonly source: CheckpointSource;
  readonly tensors: Tensors;
}

/** A network that compiles quickly; for what does not depend on the size of weights. It takes 2 frames of 3 values. */
export const SMALL_UNET: UnetShape = {
  actionDim: 2,
  horizon: 8,
  downDims: [16, 8],
  kernelSize: 3,
  groups: 4,
  stepEmbedDim: 8,
  conditioningDim: 6,
  scaleModulation: true,
};

export interface RandomPolicyOptions {
  readonly seed?: number;
  /** Default lerobot. */
  readonly names?: 'lerobot' | 'diffusion-policy';
  /** Further keys of config.json, or others in their place. */
  readonly config?: object;
}

/** A policy that reads `stateDim` state values raw and leaves actions normalised. */
export function randomPolicy(unet: UnetShape, stateDim: number, options: RandomPolicyOptions = {}): RandomCheckpoint {
  const { seed = 1, names = 'lerobot' } = options;
  const shapes = unetTensorShapes(unet);
  const tensors = randomTensors(shapes, seed);
  const one = (name: string, size: number, value: number): WritableTensor => ({
    name,
    dtype: 'F32',
    shape: [size],
    data: new Float32Array(size).fill(value),
  });
  const config = {
    type: 'diffusion',
    n_obs_steps: unet.conditioningDim / stateDim,
    horizon: unet.horizon,
    n_action_steps: 1,
    input_features: { 'observation.state': { type: 'STATE', shape: [stateDim] } },
    output_features: { action: { type: 'ACTION', shape: [unet.actionDim] } },
    normalization_mapping: { STATE: 'MIN_MAX', ACTION: 'MIN_MAX' },
    down_dims: unet.downDims,
    kernel_size: unet.kernelSize,
    n_groups: unet.groups,
    diffusion_step_embed_dim: unet.stepEmbedDim,
    use_film_scale_modulation: unet.scaleModulation,
    noise_scheduler_type: 'DDIM',
    num_train_timesteps: 100,
    num_inference_steps: 2,
    ...options.config,
  };
  const model = encodeSafetensors([
    ...writable(tensors, shapes, (name) => (names === 'lerobot' ? `diffusion.unet.${name}` : `model.${originalName(name)}`)),
    one('normalize_inputs.buffer_observation_state.min', stateDim, -1),
    one('normalize_inputs.buffer_observation_state.max', stateDim, 1),
    one('unnormalize_outputs.buffer_action.min', unet.actionDim, -1),
    one('unnormalize_outputs.buffer_action.max', unet.actionDim, 1),
  ]);
  return { source: memorySource('random policy', { 'config.json': JSON.stringify(config), 'model.safetensors': model }), tensors };
}

export function randomPredictor(config: PredictorShape, seed = 2): RandomCheckpoint {
  const rows = Math.max(config.horizon, config.historySteps, config.observationSteps) + 3;
  const tables = POSITION_TABLES.map((name): [string, number[]] => [name, [1, rows, config.modelDim]]);
  const shapes = new Map<string, readonly number[]>([...predictorTensorShapes(config), ...tables]);
  const tensors = randomTensors(shapes, seed);
  const json = {
    type: 'step_predictor',
    action_dim: config.actionDim,
    obs_dim: config.observationDim,
    horizon: config.horizon,
    n_obs_steps: config.observationSteps,
    history_steps: config.historySteps,
    n_encoder_layers: config.encoderLayers,
    d_model: config.modelDim,
    n_head: config.heads,
    n_layers: config.decoderLayers,
    dim_feedforward: config.feedforwardDim,
  };
  const model = encodeSafetensors(writable(tensors, shapes, (name) => name));
  return { source: memorySource('random predictor', { 'config.json': JSON.stringify(json), 'model.safetensors': model }), tensors };
}
