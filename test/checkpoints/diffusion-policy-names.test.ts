import { describe, expect, it } from 'vitest';
import { loadPolicyCheckpoint } from '../../src/checkpoints/read-policy.js';
import type { WritableTensor } from '../../src/checkpoints/safetensors/safetensors.js';
import type { PolicyCheckpoint } from '../../src/checkpoints/types.js';
import { UnsupportedCheckpointError } from '../../src/foundation/errors.js';
import { ChangedCheckpoint, f32, POST, PRE } from '../support/changed-checkpoint.js';
import { originalName } from '../support/original-names.js';

const load = (checkpoint: ChangedCheckpoint): Promise<PolicyCheckpoint> => loadPolicyCheckpoint(checkpoint.source);

/** state-ddim2 as a Diffusion Policy folder: config.json and model.safetensors only. */
function originalNames(prefix: string, extra: readonly WritableTensor[]): Promise<ChangedCheckpoint> {
  return new ChangedCheckpoint('state-ddim2')
    .remove(PRE)
    .remove(POST)
    .tensors((tensors) => [
      ...tensors.map((tensor) => ({ ...tensor, name: prefix + originalName(tensor.name.replace('diffusion.unet.', '')) })),
      ...extra,
    ]);
}

const scaleOffset = (key: string, scale: readonly number[], offset: readonly number[]): WritableTensor[] => [
  f32(`normalizer.params_dict.${key}.scale`, scale),
  f32(`normalizer.params_dict.${key}.offset`, offset),
  f32(`normalizer.params_dict.${key}.input_stats.min`, scale),
];
const ACTION = scaleOffset('action', [2, 0.5], [1, -3]);
const ones = (size: number, value: number): number[] => Array<number>(size).fill(value);

describe('Diffusion Policy names', () => {
  it.each(['', 'model.'])('load with prefix %j to the same weights', async (prefix) => {
    const policy = await load(
      await originalNames(prefix, [
        ...ACTION,
        ...scaleOffset('state', [3, 4], [5, 6]),
        ...scaleOffset('observation.environment_state', ones(16, 2), ones(16, 1)),
        f32(`${prefix}_dummy_variable`, []),
      ]),
    );
    const lerobot = await load(new ChangedCheckpoint('state-ddim2'));
    expect(policy.dialect).toBe('diffusion-policy');
    expect(policy.warnings).toEqual([]);
    expect(policy.parameters).toBe(lerobot.parameters);
    for (const name of lerobot.weights.names()) {
      expect(policy.weights.shape(name)).toEqual(lerobot.weights.shape(name));
      expect(await policy.weights.readFloats(name)).toEqual(await lerobot.weights.readFloats(name));
    }
    expect(policy.weights.locate('up_modules.7.2.bias')).toBe(`tensor "${prefix}up_modules.7.2.conv.bias" in model.safetensors`);
    expect(policy.weights.locate('mid_modules.7.conv2.block.0.bias')).toBe(
      `tensor "${prefix}mid_modules.7.blocks.1.block.0.bias" in model.safetensors`,
    );
    expect(policy.weights.locate('down_modules.0.2.bias')).toBe(`tensor "${prefix}down_modules.0.2.conv.bias" in model.safetensors`);
  });

  it('normalise by scale and offset, per feature or all under "obs"', async () => {
    const concatenated = scaleOffset('obs', [3, 4, ...ones(16, 2)], [5, 6, ...ones(16, 1)]);
    const policy = await load(await originalNames('model.', [...ACTION, ...concatenated]));
    const [state, environment] = policy.observations;
    expect(state?.normalizer).toEqual({
      mode: 'scale-offset',
      subtract: Float32Array.of(0, 0),
      divide: Float32Array.of(1, 1),
      multiply: Float32Array.of(3, 4),
      add: Float32Array.of(5, 6),
    });
    expect([...environment!.normalizer.multiply]).toEqual(ones(16, 2));
    expect([...environment!.normalizer.add]).toEqual(ones(16, 1));
    expect(policy.action).toEqual({
      mode: 'scale-offset',
      add: Float32Array.of(-1, 3),
      halve: Float32Array.of(1, 1),
      multiply: Float32Array.of(0.5, 2),
      shift: Float32Array.of(0, 0),
    });
  });

  it('are refused with a normaliser that is incomplete or cannot be inverted', async () => {
    const obs = scaleOffset('obs', ones(18, 1), ones(18, 0));
    await expect(load(await originalNames('', ACTION))).rejects.toThrow('with <key> "observation.state" or "state" or "obs", found none');
    await expect(load(await originalNames('', obs))).rejects.toThrow('with <key> "action", found none');
    await expect(load(await originalNames('', [...obs, ...scaleOffset('action', [0, 1], [0, 0])]))).rejects.toThrow(
      'tensor "normalizer.params_dict.action.scale": expected statistics that can be divided by, found 0 at index 0',
    );
    await expect(load(await originalNames('', [...obs, ACTION[0]!]))).rejects.toThrow(
      'expected a tensor "normalizer.params_dict.action.offset"',
    );
  });

  it('take processor files where the model has no normaliser', async () => {
    const checkpoint = await new ChangedCheckpoint('state-ddim2').tensors((tensors) =>
      tensors.map((tensor) => ({ ...tensor, name: originalName(tensor.name.replace('diffusion.unet.', '')) })),
    );
    const policy = await load(checkpoint);
    expect(policy.dialect).toBe('diffusion-policy');
    expect(policy.action).toEqual((await load(new ChangedCheckpoint('state-ddim2'))).action);
  });

  it('are refused with an observation encoder where no feature is an image', async () => {
    const refused = load(await originalNames('model.', [f32('obs_encoder.out.bias', [1])]));
    await expect(refused).rejects.toThrow('found the tensor "obs_encoder.out.bias" of an image encoder, expected none');
  });

  it.each(['local_cond_encoder.0.bias', 'model.local_cond_encoder.0.bias'])('are refused with %s', async (name) => {
    const refused = load(await originalNames('model.', [f32(name, [1])]));
    await expect(refused).rejects.toThrow(UnsupportedCheckpointError);
    await expect(refused).rejects.toThrow(`tensor "${name}": local conditioning is not supported`);
  });
});
