import { describe, expect, it } from 'vitest';
import { loadPolicyCheckpoint } from '../../src/checkpoints/read-policy.js';
import type { PolicyCheckpoint } from '../../src/checkpoints/types.js';
import { CheckpointError } from '../../src/foundation/errors.js';
import type { Normalizer, Unnormalizer } from '../../src/spec/policy-spec.js';
import { ChangedCheckpoint, f32, POST_STATE, PRE, PRE_STATE } from '../support/changed-checkpoint.js';
import { originalName } from '../support/original-names.js';

// Statistics that no data set has. LeRobot computes with them without a word: its numbers are kept, and the reader is told.

/** state-ddim2 with these statistics in place of its own, by tensor name. */
function withStatistics(statistics: Record<string, number[]>): Promise<ChangedCheckpoint> {
  const replaced = (file: string, checkpoint: ChangedCheckpoint): Promise<ChangedCheckpoint> =>
    checkpoint.tensors(
      (tensors) => [
        ...tensors.filter(({ name }) => !(name in statistics)),
        ...Object.entries(statistics).map(([name, values]) => f32(name, values)),
      ],
      file,
    );
  return replaced(PRE_STATE, new ChangedCheckpoint('state-ddim2')).then((checkpoint) => replaced(POST_STATE, checkpoint));
}

const load = async (checkpoint: Promise<ChangedCheckpoint>): Promise<PolicyCheckpoint> => loadPolicyCheckpoint((await checkpoint).source);

/** As the kernels compute it, in float64. */
function normalized({ subtract, divide, multiply, add }: Normalizer, i: number, x: number): number {
  return ((x - subtract[i]!) / divide[i]!) * multiply[i]! + add[i]!;
}

function unnormalized({ add, halve, multiply, shift }: Unnormalizer, i: number, y: number): number {
  return (y + add[i]!) * halve[i]! * multiply[i]! + shift[i]!;
}

describe('a minimum above the maximum', () => {
  it('mirrors the dimension, as LeRobot does, with a warning for each feature', async () => {
    const policy = await load(
      withStatistics({
        'observation.state.min': [4, 0],
        'observation.state.max': [2, 1],
        'action.min': [0, 6],
        'action.max': [1, 2],
      }),
    );
    // 2 (x − min)/(max − min) − 1 and (y + 1)/2 · (max − min) + min.
    expect(normalized(policy.observations[0]!.normalizer, 0, 3.5)).toBeCloseTo(-0.5, 12);
    expect(unnormalized(policy.action, 1, -0.5)).toBeCloseTo(5, 12);
    expect(policy.warnings).toEqual([
      `${PRE_STATE}, feature "observation.state": min lies above max at index 0; these dimensions are mirrored, as LeRobot computes them. Compare the statistics with the data set.`,
      `${POST_STATE}, feature "action": min lies above max at index 1; these dimensions are mirrored, as LeRobot computes them. Compare the statistics with the data set.`,
    ]);
  });

  it('of quantiles is called by their names', async () => {
    const checkpoint = withStatistics({ 'observation.state.q01': [2, 3], 'observation.state.q99': [1, 1] });
    const { warnings } = await load(
      checkpoint.then((changed) =>
        changed.steps(PRE, (steps) => {
          steps.find(({ registry_name: name }) => name === 'normalizer_processor')!.config.norm_map['STATE'] = 'QUANTILES';
        }),
      ),
    );
    expect(warnings).toEqual([expect.stringContaining('q01 lies above q99 at indices 0, 1; these dimensions are mirrored')]);
  });

  it('inside the model file is found, too', async () => {
    const checkpoint = await new ChangedCheckpoint('state-dialect-b').tensors((tensors) =>
      tensors.map((tensor) => {
        const isMaximum = tensor.name === 'unnormalize_outputs.buffer_action.max';
        return isMaximum ? f32(tensor.name, Array<number>(tensor.shape[0]!).fill(-1e3)) : tensor;
      }),
    );
    const { warnings, action } = await loadPolicyCheckpoint(checkpoint.source);
    expect(warnings).toEqual([expect.stringMatching(/"unnormalize_outputs.buffer_action": min lies above max at indices 0, 1/)]);
    expect(action.multiply.every((range) => range < 0)).toBe(true);
  });
});

describe('a range of zero', () => {
  it('makes an action constant, and an observation overwhelming, as in LeRobot', async () => {
    const policy = await load(
      withStatistics({
        'observation.state.min': [0, 3],
        'observation.state.max': [1, 3],
        'action.min': [5, 0],
        'action.max': [5, 4],
      }),
    );
    for (const y of [-1, 0, 1]) expect(unnormalized(policy.action, 0, y)).toBeCloseTo(5, 7);
    expect(normalized(policy.observations[0]!.normalizer, 1, 3)).toBe(-1);
    expect(normalized(policy.observations[0]!.normalizer, 1, 3.01)).toBeGreaterThan(1e6);
    expect(policy.warnings).toEqual([
      expect.stringContaining('feature "observation.state": min is max at index 1; any other value than that one swamps the network'),
      expect.stringContaining('feature "action": min is max at index 0; every decision returns the same value there'),
    ]);
  });
});

describe('a negative standard deviation', () => {
  it('mirrors the dimension, with a warning', async () => {
    const checkpoint = withStatistics({ 'observation.state.mean': [1, 2], 'observation.state.std': [-2, 4] });
    const policy = await load(
      checkpoint.then((changed) =>
        changed.steps(PRE, (steps) => {
          steps.find(({ registry_name: name }) => name === 'normalizer_processor')!.config.norm_map['STATE'] = 'MEAN_STD';
        }),
      ),
    );
    expect(normalized(policy.observations[0]!.normalizer, 0, 3)).toBeCloseTo(-1, 7);
    expect(policy.warnings).toEqual([
      expect.stringContaining('feature "observation.state": the standard deviation is negative at index 0; these dimensions are mirrored'),
    ]);
  });

  it('that eps brings to zero is refused: LeRobot would divide by it', async () => {
    const checkpoint = withStatistics({ 'observation.state.mean': [1, 2], 'observation.state.std': [-1e-8, 4] });
    const loading = load(
      checkpoint.then((changed) =>
        changed.steps(PRE, (steps) => {
          steps.find(({ registry_name: name }) => name === 'normalizer_processor')!.config.norm_map['STATE'] = 'MEAN_STD';
        }),
      ),
    );
    await expect(loading).rejects.toThrow(CheckpointError);
  });
});

describe("Diffusion Policy's scales", () => {
  const scales = async (action: number[], state: number[]): Promise<PolicyCheckpoint> => {
    const checkpoint = await new ChangedCheckpoint('state-ddim2').tensors((tensors) => [
      ...tensors.map((tensor) => ({ ...tensor, name: `model.${originalName(tensor.name.replace('diffusion.unet.', ''))}` })),
      f32('normalizer.params_dict.action.scale', action),
      f32('normalizer.params_dict.action.offset', [0, 1]),
      f32('normalizer.params_dict.obs.scale', [...state, ...Array<number>(16).fill(1)]),
      f32('normalizer.params_dict.obs.offset', Array<number>(18).fill(0)),
    ]);
    return loadPolicyCheckpoint(checkpoint.source);
  };

  it('warn where they are negative or zero, and are refused where an action would be divided by zero', async () => {
    const policy = await scales([2, -4], [0, -1]);
    expect(unnormalized(policy.action, 1, 0.5)).toBeCloseTo(0.125, 12);
    expect(policy.warnings).toEqual([
      expect.stringContaining('scale of "observation.state": the scale is negative at index 1; these dimensions are mirrored'),
      expect.stringContaining('scale of "observation.state": the scale is 0 at index 0; the network does not see these values'),
      expect.stringContaining('"normalizer.params_dict.action.scale": the scale is negative at index 1'),
    ]);
    await expect(scales([0, 1], [1, 1])).rejects.toThrow('expected statistics that can be divided by, found 0 at index 0');
  });
});
