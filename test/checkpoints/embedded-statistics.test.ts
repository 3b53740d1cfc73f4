import { describe, expect, it } from 'vitest';
import { loadPolicyCheckpoint } from '../../src/checkpoints/read-policy.js';
import type { WritableTensor } from '../../src/checkpoints/safetensors/safetensors.js';
import type { PolicyCheckpoint } from '../../src/checkpoints/types.js';
import { ChangedCheckpoint, f32 } from '../support/changed-checkpoint.js';

const load = (checkpoint: ChangedCheckpoint): Promise<PolicyCheckpoint> => loadPolicyCheckpoint(checkpoint.source);
const STATE = 'normalize_inputs.buffer_observation_state';
const ACTION = 'unnormalize_outputs.buffer_action';

function replaced(dialect: 'a' | 'b', buffer: string, statistics: Record<string, number[]>): Promise<ChangedCheckpoint> {
  return new ChangedCheckpoint(`state-dialect-${dialect}`).tensors((tensors: WritableTensor[]) => [
    ...tensors.filter(({ name }) => !name.startsWith(`${buffer}.`)),
    ...Object.entries(statistics).map(([stat, values]) => f32(`${buffer}.${stat}`, values)),
  ]);
}

describe.each(['a', 'b'] as const)('statistics inside the model file, dialect %s', (dialect) => {
  it('always add eps to a range going in, never coming out', async () => {
    const state = await load(await replaced(dialect, STATE, { min: [0, 0, 0, 0], max: [0, 1, 2, 1e-8] }));
    const eps = Math.fround(1e-8);
    expect([...state.observations[0]!.normalizer.divide]).toEqual([eps, 1, 2, Math.fround(2 * eps)]);
    const action = await load(await replaced(dialect, ACTION, { min: [1, 1, 1], max: [1, 2, 3] }));
    expect([...action.action.multiply]).toEqual([0, 1, 2]);
  });

  it('say by their presence which mode applies', async () => {
    const policy = await load(await replaced(dialect, STATE, { mean: [1, 2, 3, 4], std: [1, 1, 1, 1] }));
    expect(policy.observations.map(({ normalizer }) => normalizer.mode)).toEqual(['mean-std', 'min-max']);
    expect([...policy.observations[0]!.normalizer.subtract]).toEqual([1, 2, 3, 4]);
  });

  it('leave the choice to config.json when both pairs are there', async () => {
    const both = { min: [0, 0, 0, 0], max: [1, 1, 1, 1], mean: [0, 0, 0, 0], std: [1, 1, 1, 1] };
    expect((await load(await replaced(dialect, STATE, both))).observations[0]?.normalizer.mode).toBe('min-max');
  });

  it('are refused when they are infinite, incomplete, missing or of another size', async () => {
    const infinite = await replaced(dialect, ACTION, { min: [Infinity, 0, 0], max: [1, 1, 1] });
    await expect(load(infinite)).rejects.toThrow(`tensor "${ACTION}.min": expected finite values`);
    const incomplete = await replaced(dialect, STATE, { min: [0, 0, 0, 0] });
    await expect(load(incomplete)).rejects.toThrow(
      'expected the statistics "min" and "max", which mode MIN_MAX of feature "observation.state" needs',
    );
    await expect(load(await replaced(dialect, STATE, {}))).rejects.toThrow('not both are there');
    await expect(load(await replaced(dialect, STATE, { min: [0], max: [1] }))).rejects.toThrow('expected shape [4]');
  });
});

describe('a compiled model', () => {
  it('has the same tensors under names with _orig_mod', async () => {
    const checkpoint = await new ChangedCheckpoint('state-dialect-b').tensors((tensors) =>
      tensors.map((tensor) => ({
        ...tensor,
        name: tensor.name.replace('diffusion.unet.', 'diffusion.unet._orig_mod.'),
      })),
    );
    const policy = await load(checkpoint);
    expect(policy.parameters).toBe(527_355);
    expect(policy.warnings).toEqual([]);
    expect(policy.weights.locate('final_conv.1.bias')).toBe('tensor "diffusion.unet._orig_mod.final_conv.1.bias" in model.safetensors');
  });

  it('must not have a tensor under both names', async () => {
    const checkpoint = await new ChangedCheckpoint('state-dialect-b').tensors((tensors) => [
      ...tensors,
      f32('diffusion.unet._orig_mod.final_conv.1.bias', [0, 0, 0]),
    ]);
    await expect(load(checkpoint)).rejects.toThrow('expected one tensor "diffusion.unet.final_conv.1.bias", found');
  });
});
