import { unetTensorShapes } from '../../checkpoints/lerobot/unet-tensors.js';
import { encodeSafetensors, type WritableTensor } from '../../checkpoints/safetensors/safetensors.js';
import { type CheckpointSource, memorySource } from '../../checkpoints/source.js';
import type { MethodConfig } from '../../spec/method-networks.js';

/** The observation of a stand-in policy: frames of the conditioning vector. */
export const CONDITIONING = 'observation.state';

/** Of the U-Net that no decision of a case evaluates. */
const EMPTY = { downDims: [8], kernelSize: 3, groups: 8, stepEmbedDim: 4, scaleModulation: false } as const;

/**
 * A policy for the network of a method that was recorded without one: its observation is the conditioning vector, actions are those of the
 * normalised chunk, and its own U-Net, of zeros, is there because every policy has one.
 */
export function standInPolicy({ unet, observationSteps, actionSteps }: MethodConfig): CheckpointSource {
  const { actionDim, horizon, conditioningDim } = unet;
  const config = {
    type: 'diffusion',
    n_obs_steps: observationSteps,
    horizon,
    n_action_steps: actionSteps,
    input_features: { [CONDITIONING]: { type: 'STATE', shape: [conditioningDim / observationSteps] } },
    output_features: { action: { type: 'ACTION', shape: [actionDim] } },
    normalization_mapping: { STATE: 'IDENTITY', ACTION: 'IDENTITY' },
    down_dims: EMPTY.downDims,
    kernel_size: EMPTY.kernelSize,
    n_groups: EMPTY.groups,
    diffusion_step_embed_dim: EMPTY.stepEmbedDim,
    use_film_scale_modulation: EMPTY.scaleModulation,
    num_train_timesteps: 1,
  };
  const tensors = [...unetTensorShapes({ actionDim, horizon, conditioningDim, ...EMPTY })].map(([name, shape]): WritableTensor => {
    const count = shape.reduce((product, size) => product * size, 1);
    // Names of Diffusion Policy: LeRobot's files may have other horizons.
    return {
      name: name.replace('.conv1.', '.blocks.0.').replace('.conv2.', '.blocks.1.'),
      dtype: 'F32',
      shape,
      data: new Float32Array(count),
    };
  });
  return memorySource('stand-in policy', { 'config.json': JSON.stringify(config), 'model.safetensors': encodeSafetensors(tensors) });
}
