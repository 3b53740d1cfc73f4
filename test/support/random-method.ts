import { lerobotName } from '../../src/checkpoints/lerobot/tensor-names.js';
import { unetTensorShapes } from '../../src/checkpoints/lerobot/unet-tensors.js';
import { encodeSafetensors } from '../../src/checkpoints/safetensors/safetensors.js';
import { type CheckpointSource, memorySource } from '../../src/checkpoints/source.js';
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
