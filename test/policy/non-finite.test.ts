import { describe, expect, it } from 'vitest';
import type { WritableTensor } from '../../src/checkpoints/safetensors/safetensors.js';
import { NonFiniteError } from '../../src/foundation/errors.js';
import { loadPolicy } from '../../src/policy/load-policy.js';
import type { Decision, Policy } from '../../src/policy/policy.js';
import { ChangedCheckpoint } from '../support/changed-checkpoint.js';
import { useTestDevice } from '../support/device.js';
import { golden, goldenFiles } from '../support/folders.js';
import { loadGolden, noise, observation, window } from '../support/golden-policy.js';

/** A finite weight so large that sums of two of them overflow. */
const HUGE = 3e38;

function overflowing(tensor: WritableTensor): WritableTensor {
  const elements = tensor.shape.reduce((all, size) => all * size, 1);
  return { ...tensor, dtype: 'F32', data: new Float32Array(elements).fill(HUGE) };
}

function hugeWeights(name: string, part: string): Promise<ChangedCheckpoint> {
  return new ChangedCheckpoint(name).tensors((tensors) =>
    tensors.map((tensor) => (tensor.name.includes(part) ? overflowing(tensor) : tensor)),
  );
}

describe('a result that is not finite', () => {
  const device = useTestDevice();

  it.each([
    ['the last convolution', 'state-ddim2', 'final_conv.1.weight', 'DDIM', 'timestep 50'],
    ['a convolution in the middle', 'state-ddim2', 'mid_modules.0.conv1.block.0.bias', 'DDIM', 'timestep 50'],
    ['FiLM', 'state-ddim2', 'down_modules.0.0.cond_encoder.1.weight', 'DDPM', 'timestep 50'],
    ['the timestep embedding', 'state-bias-film', 'diffusion_step_encoder.3.weight', 'DDIM', 'timestep 50'],
  ] as const)('from %s is an error that names the step, never an action, on every call', async (_, name, part, solver, where) => {
    const changed = await hugeWeights(name, part);
    const decisions: Decision[] = [];
    const policy = await loadPolicy(changed.source, {
      device: device(),
      strategy: { name: solver, steps: 2 },
      onDecision: (decision) => decisions.push(decision),
    });
    for (let tick = 0; tick < 2; tick++) {
      const action = policy.act(observation(policy, tick));
      await expect(action).rejects.toThrow(NonFiniteError);
      await expect(action).rejects.toThrow(`denoising step 1 of 2 (${where})`);
    }
    expect(decisions).toEqual([]);
    await policy.dispose();
  });

  it('is not hidden by the clamp of x̂0, which would turn infinity into a bound', async () => {
    const changed = (await hugeWeights('state-ddim2', 'final_conv.1.weight')).config((config) => {
      config['clip_sample'] = true;
      config['clip_sample_range'] = 1;
    });
    const policy = await loadPolicy(changed.source, { device: device(), strategy: { name: 'DDIM', steps: 1 } });
    await expect(policy.decide(window(policy))).rejects.toThrow(/denoising step 1 of 1 \(timestep 0\)/);
    await policy.dispose();
  });

  async function expectRecovery(policy: Policy): Promise<void> {
    const options = { previous: [], noise: noise(policy) };
    const before = await policy.decide(window(policy), options);
    const overflow = { previous: [], noise: noise(policy).fill(3e38) };
    await expect(policy.decide(window(policy), overflow)).rejects.toThrow(NonFiniteError);
    expect((await policy.decide(window(policy), options)).normalizedChunk).toEqual(before.normalizedChunk);
  }

  it('does not outlive its decision', async () => {
    const policy = await loadGolden(device(), 'state-ddim2');
    await expectRecovery(policy);
    await policy.dispose();
  });

  it('nor does it in a solver that keeps x̂0 for its next step', async () => {
    const policy = await loadGolden(device(), 'state-dpmsolver4', { strategy: { name: 'DPM-Solver++', steps: 4 } });
    await expectRecovery(policy);
    await policy.dispose();
  });

  it('of the predictor is found at the start, before the network could hide it', async () => {
    const predictor = new ChangedCheckpoint('step-forward-noise');
    Object.assign(predictor.files, goldenFiles('step-forward-noise/predictor'));
    const heads = (name: string): boolean => name.endsWith('weight') && /^decoder|head|out/.test(name);
    await predictor.tensors((tensors) => tensors.map((tensor) => (heads(tensor.name) ? overflowing(tensor) : tensor)));
    const policy = await loadPolicy(golden('step-forward-noise/policy'), { device: device(), networks: { predictor: predictor.source } });
    const cold = await policy.decide(window(policy));
    expect(cold.warm).toBe(false);
    const warm = policy.decide(window(policy, 1));
    await expect(warm).rejects.toThrow(NonFiniteError);
    await expect(warm).rejects.toThrow(/the start of the decision is NaN or infinite.*predictor/);
    await policy.dispose();
  });
});
