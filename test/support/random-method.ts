import { JsonObject } from '../../src/checkpoints/json-object.js';
import { lerobotName } from '../../src/checkpoints/lerobot/tensor-names.js';
import { unetTensorShapes } from '../../src/checkpoints/lerobot/unet-tensors.js';
import { readCommon } from '../../src/checkpoints/methods/common-config.js';
import { type MethodFolder, methodTensors } from '../../src/checkpoints/methods/define.js';
import { NO_DIFFUSION_FOLDER } from '../../src/checkpoints/methods/no-diffusion.js';
import { STREAMING_FOLDER } from '../../src/checkpoints/methods/streaming.js';
import { encodeSafetensors } from '../../src/checkpoints/safetensors/safetensors.js';
import { type CheckpointSource, memorySource } from '../../src/checkpoints/source.js';
import type { MethodType } from '../../src/spec/method-networks.js';
import type { UnetShape } from '../../src/spec/network-shapes.js';
import { originalName } from './original-names.js';
import { randomTensors, writable } from './random-checkpoint.js';

/** A student of Consistency Policy with random weights, for the policy of `randomPolicy(unet, frameWidth)`. `outputWeight`: of its last layer. */
export function randomStudent(unet: UnetShape, frameWidth: number, outputWeight?: number): CheckpointSource {
  const levels = { embeddings: 2, joined: 1, layers: [1, 3], rounded: false } as const;
  return randomMethod('consistency_policy', { ...unet, levels }, frameWidth, 3, outputWeight);
}

/** The generator of OneDP, likewise. */
export function randomGenerator(unet: UnetShape, frameWidth: number): CheckpointSource {
  return randomMethod('onedp', unet, frameWidth, 4);
}

function randomMethod(type: string, unet: UnetShape, frameWidth: number, seed: number, outputWeight?: number): CheckpointSource {
  const shapes = unetTensorShapes(unet);
  const json = {
    type,
    action_dim: unet.actionDim,
    obs_dim: frameWidth,
    n_obs_steps: unet.conditioningDim / frameWidth,
    horizon: unet.horizon,
    n_action_steps: 1,
    down_dims: unet.downDims,
    kernel_size: unet.kernelSize,
    n_groups: unet.groups,
    diffusion_step_embed_dim: unet.stepEmbedDim,
    use_film_scale_modulation: unet.scaleModulation,
  };
  const values = randomTensors(shapes, seed);
  if (outputWeight !== undefined) values['final_conv.1.weight']?.fill(outputWeight);
  const tensors = writable(values, shapes, (name) => originalName(lerobotName(name)));
  return memorySource(`random ${type}`, { 'config.json': JSON.stringify(json), 'model.safetensors': encodeSafetensors(tensors) });
}

/** Sizes of a network beside the policy of two frames of `frameWidth` values. */
export interface SmallMethod {
  readonly frameWidth: number;
  readonly horizon: number;
}

/** The network of SDP with random weights; decisions of 4 actions, of 6 levels. */
export function randomStreaming({ frameWidth, horizon }: SmallMethod): CheckpointSource {
  return randomFolder(STREAMING_FOLDER, { ...smallConfig(frameWidth, horizon), n_action_steps: 4, num_train_timesteps: 6 });
}

/** Heads and U-Net of NO-Diffusion, likewise. */
export function randomHeads({ frameWidth, horizon }: SmallMethod): CheckpointSource {
  return randomFolder(NO_DIFFUSION_FOLDER, { ...smallConfig(frameWidth, horizon), n_action_steps: 4, hidden_dim: 8 });
}

function smallConfig(frameWidth: number, horizon: number): Record<string, unknown> {
  const unet = { down_dims: [8, 16], kernel_size: 3, n_groups: 4, diffusion_step_embed_dim: 8, use_film_scale_modulation: true };
  return { action_dim: 2, obs_dim: frameWidth, n_obs_steps: 2, horizon, ...unet };
}

function randomFolder<T extends MethodType>(folder: MethodFolder<T>, config: Record<string, unknown>): CheckpointSource {
  const json = new JsonObject('config.json', config);
  const shapes = new Map([...methodTensors(folder, folder.read(json, readCommon(json)))].map(([name, { shape }]) => [name, shape]));
  const tensors = writable(randomTensors(shapes, 5), shapes, (name) => name);
  const files = { 'config.json': JSON.stringify({ type: folder.type, ...config }), 'model.safetensors': encodeSafetensors(tensors) };
  return memorySource(`random ${folder.type}`, files);
}
