import { afterAll, beforeAll } from 'vitest';
import { unetTensorShapes } from '../../src/checkpoints/lerobot/unet-tensors.js';
import { encodeSafetensors, type WritableTensor } from '../../src/checkpoints/safetensors/safetensors.js';
import { memorySource } from '../../src/checkpoints/source.js';
import { loadPolicy } from '../../src/policy/load-policy.js';
import type { Policy } from '../../src/policy/policy.js';
import { useTestDevice } from './device.js';
import { randomTensors, writable } from './random-checkpoint.js';

const STATE = ['observation.state', 2, 'STATE'] as const;
const VERTICES = ['observation.environment_state', 16, 'ENV'] as const;
const HORIZON = 16;
const FRAMES = 2;

const UNET = {
  actionDim: 2,
  horizon: HORIZON,
  conditioningDim: FRAMES * (STATE[1] + VERTICES[1]),
  downDims: [16, 32],
  kernelSize: 3,
  groups: 8,
  stepEmbedDim: 16,
  scaleModulation: true,
};

/**
 * The files of a policy that reads and moves what the bundled one does, with random weights, of a hundredth of its size: for
 * tests of what is done with a policy's decisions, which are quick on a software adapter only where the decisions are.
 */
export function smallPushTFiles(): Readonly<Record<'config.json' | 'model.safetensors', string | Uint8Array>> {
  const config = {
    type: 'diffusion',
    n_obs_steps: FRAMES,
    horizon: HORIZON,
    n_action_steps: 8,
    input_features: Object.fromEntries([STATE, VERTICES].map(([name, size, type]) => [name, { type, shape: [size] }])),
    output_features: { action: { type: 'ACTION', shape: [UNET.actionDim] } },
    normalization_mapping: { STATE: 'MIN_MAX', ENV: 'MIN_MAX', ACTION: 'MIN_MAX' },
    down_dims: UNET.downDims,
    kernel_size: UNET.kernelSize,
    n_groups: UNET.groups,
    diffusion_step_embed_dim: UNET.stepEmbedDim,
    use_film_scale_modulation: UNET.scaleModulation,
    noise_scheduler_type: 'DDPM',
    num_train_timesteps: 100,
  };
  const shapes = unetTensorShapes(UNET);
  const pixels = (name: string, size: number): WritableTensor[] =>
    [0, 512].map((value, i) => ({
      name: `${name}.${i === 0 ? 'min' : 'max'}`,
      dtype: 'F32',
      shape: [size],
      data: new Float32Array(size).fill(value),
    }));
  const model = encodeSafetensors([
    ...writable(randomTensors(shapes, 5), shapes, (name) => `diffusion.unet.${name}`),
    ...[STATE, VERTICES].flatMap(([name, size]) => pixels(`normalize_inputs.buffer_${name.replaceAll('.', '_')}`, size)),
    ...pixels('unnormalize_outputs.buffer_action', UNET.actionDim),
  ]);
  return { 'config.json': JSON.stringify(config), 'model.safetensors': model };
}

/** The small policy with the last chunk as its prediction, for the tests of a block. */
export function useSmallPushTPolicy(): () => Policy {
  const device = useTestDevice();
  let policy: Policy | undefined;
  beforeAll(async () => {
    policy = await loadPolicy(memorySource('small policy', smallPushTFiles()), {
      device: device(),
      networks: { predictor: 'shift' },
    });
  });
  afterAll(() => policy?.dispose());
  return () => policy as Policy;
}
