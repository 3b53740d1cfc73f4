import { afterAll, beforeAll } from 'vitest';
import { unetTensorShapes } from '../../src/checkpoints/lerobot/unet-tensors.js';
import { encodeSafetensors, type WritableTensor } from '../../src/checkpoints/safetensors/safetensors.js';
import { memorySource } from '../../src/checkpoints/source.js';
import { loadPolicy } from '../../src/policy/load-policy.js';
import type { Policy } from '../../src/policy/policy.js';
import { useTestDevice } from './device.js';
import { randomTensors, writable } from './random-checkpoint.js';

const HORIZON = 16;
const FRAMES = 2;

/** What a small policy reads and moves: numbers of its features, and the range of all of them. */
export interface SmallPolicy {
  readonly state: number;
  readonly environment: number;
  readonly action: number;
  readonly range: readonly [low: number, high: number];
}

const PUSH_T: SmallPolicy = { state: 2, environment: 16, action: 2, range: [0, 512] };

/**
 * The files of a policy that reads and moves what the bundled one does, with random weights, of a hundredth of its size: for
 * tests of what is done with a policy's decisions, which are quick on a software adapter only where the decisions are.
 */
export function smallPushTFiles(): Readonly<Record<'config.json' | 'model.safetensors', string | Uint8Array>> {
  return smallPolicyFiles(PUSH_T);
}

/** The same for a policy of something else. */
export function smallPolicyFiles({
  state,
  environment,
  action,
  range,
}: SmallPolicy): Readonly<Record<'config.json' | 'model.safetensors', string | Uint8Array>> {
  const inputs = [
    ['observation.state', state, 'STATE'],
    ['observation.environment_state', environment, 'ENV'],
  ] as const;
  const unet = {
    actionDim: action,
    horizon: HORIZON,
    conditioningDim: FRAMES * (state + environment),
    downDims: [16, 32],
    kernelSize: 3,
    groups: 8,
    stepEmbedDim: 16,
    scaleModulation: true,
  };
  const config = {
    type: 'diffusion',
    n_obs_steps: FRAMES,
    horizon: HORIZON,
    n_action_steps: 8,
    input_features: Object.fromEntries(inputs.map(([name, size, type]) => [name, { type, shape: [size] }])),
    output_features: { action: { type: 'ACTION', shape: [action] } },
    normalization_mapping: { STATE: 'MIN_MAX', ENV: 'MIN_MAX', ACTION: 'MIN_MAX' },
    down_dims: unet.downDims,
    kernel_size: unet.kernelSize,
    n_groups: unet.groups,
    diffusion_step_embed_dim: unet.stepEmbedDim,
    use_film_scale_modulation: unet.scaleModulation,
    noise_scheduler_type: 'DDPM',
    num_train_timesteps: 100,
  };
  const shapes = unetTensorShapes(unet);
  const ranges = (name: string, size: number): WritableTensor[] =>
    range.map((value, i) => ({
      name: `${name}.${i === 0 ? 'min' : 'max'}`,
      dtype: 'F32',
      shape: [size],
      data: new Float32Array(size).fill(value),
    }));
  const model = encodeSafetensors([
    ...writable(randomTensors(shapes, 5), shapes, (name) => `diffusion.unet.${name}`),
    ...inputs.flatMap(([name, size]) => ranges(`normalize_inputs.buffer_${name.replaceAll('.', '_')}`, size)),
    ...ranges('unnormalize_outputs.buffer_action', action),
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
