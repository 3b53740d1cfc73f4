import { describe, expect, it } from 'vitest';
import { OptionError } from '../../src/errors.js';
import { loadPolicy, type LoadPolicyOptions } from '../../src/policy/load-policy.js';
import type { StrategyOptions } from '../../src/policy/strategy.js';
import { golden } from '../checkpoints/folders.js';
import { useTestDevice } from '../support/device.js';
import { loadGolden, observation, window } from './golden-policy.js';

describe('options', () => {
  const device = useTestDevice();

  const loading: [string, object, RegExp][] = [
    ['an unknown name', { percision: 'f16' }, /loadPolicy: unknown option "percision".*precision/],
    ['an unknown precision', { precision: 'f64' }, /precision must be one of f32, f16, got f64/],
    ['a negative seed', { seed: -1 }, /seed must be an integer from 0/],
    ['a fraction as a seed', { seed: 0.5 }, /seed must be an integer/],
    ['a text as a seed', { seed: '1' }, /seed must be an integer/],
    ['a strategy misspelt', { strategy: { name: 'DDIMM' } }, /name must be one of DDPM, DDIM, DPM-Solver\+\+, STEP, got DDIMM/],
    ['no steps', { strategy: { name: 'DDIM', steps: 0 } }, /steps must be an integer from 1 to 100, got 0/],
    ['more steps than training had', { strategy: { name: 'DDIM', steps: 101 } }, /steps must be an integer from 1 to 100/],
    ['an option of another solver', { strategy: { name: 'DDPM', eta: 0.5 } }, /strategy DDPM: unknown option "eta"/],
    ['an unknown option of STEP', { predictor: 'shift', strategy: { name: 'STEP', steps: 2 } }, /strategy STEP: unknown option "steps".*budget/],
    ['a budget of 0', { predictor: 'shift', strategy: { name: 'STEP', budget: 0 } }, /budget must be an integer from 1/],
    ['an unknown warm start', { predictor: 'shift', strategy: { name: 'STEP', warmStart: { mode: 'eq31' } } }, /warmStart: mode must be one of forward-noise, eq13/],
    ['a warm start in the wrong place', { predictor: 'shift', strategy: { name: 'STEP', warmStart: { mode: 'forward-noise', sigma: 1 } } }, /warmStart: unknown option "sigma"/],
    ['a stall rule misspelt', { predictor: 'shift', strategy: { name: 'STEP', stall: { epsilon: 1 } } }, /stall: unknown option "epsilon"/],
    ['an unknown norm', { predictor: 'shift', strategy: { name: 'STEP', stall: { norm: 'l3' } } }, /stall: norm must be one of rms, l2, linf/],
    ['an unknown cold start', { predictor: 'shift', strategy: { name: 'STEP', coldStart: { mode: 'warm' } } }, /coldStart: mode must be one of/],
    ['STEP without a predictor', { strategy: { name: 'STEP' } }, /strategy STEP needs a predictor/],
  ];

  it.each(loading)('loadPolicy refuses %s', async (_, options, message) => {
    const promise = loadPolicy(golden('state-bias-film/policy'), { ...(options as LoadPolicyOptions), device: device() });
    await expect(promise).rejects.toThrow(OptionError);
    await expect(promise).rejects.toThrow(message);
  });

  it('loadPolicy refuses the predictor of another policy, and names the sizes', async () => {
    const promise = loadPolicy(golden('state-bias-film/policy'), { device: device(), predictor: golden('step-forward-noise/predictor') });
    await expect(promise).rejects.toThrow(OptionError);
    await expect(promise).rejects.toThrow(/does not belong to policy.*action_dim is 2, the policy's is 3/);
  });

  it('act and plan refuse options that they do not know, and plan a history that does not fit', async () => {
    const policy = await loadGolden(device(), 'state-bias-film', { predictor: 'shift' });
    await expect(policy.act(observation(policy), { nois: [] } as object)).rejects.toThrow(/act: unknown option "nois"/);
    await expect(policy.plan(window(policy), { prev: [] } as object)).rejects.toThrow(/plan: unknown option "prev"/);
    const { horizon, actionDim } = policy.info;
    const zeros = new Float32Array(horizon * actionDim);
    const short = { chunk: zeros.slice(1), actionHorizon: zeros };
    await expect(policy.plan(window(policy), { previous: [short] })).rejects.toThrow(new RegExp(`${zeros.length} finite values`));
    const nan = { chunk: zeros.slice().fill(NaN), actionHorizon: zeros };
    await expect(policy.plan(window(policy), { previous: [nan] })).rejects.toThrow(OptionError);
    const past = { chunk: zeros, actionHorizon: zeros };
    await expect(policy.plan(window(policy), { previous: [past, past, past] })).rejects.toThrow(/two newest results at most, got 3/);
    await expect(policy.plan(window(policy), { previous: [], seed: -1 })).rejects.toThrow(OptionError);
    expect((await policy.plan(window(policy), { previous: [past] })).warm).toBe(true);
    await policy.dispose();
  });

  it('useStrategy refuses what loading refuses, and leaves the strategy as it was', async () => {
    const policy = await loadGolden(device(), 'state-bias-film');
    const before = policy.info.strategy;
    expect(() => policy.useStrategy({ name: 'STEP' })).toThrow(/needs a predictor/);
    expect(() => policy.useStrategy({ name: 'DDIM', stepz: 2 } as StrategyOptions)).toThrow(OptionError);
    await policy.plan(window(policy));
    expect(policy.info.strategy).toBe(before);
    policy.useStrategy({ name: 'DDPM', steps: 3 });
    expect((await policy.plan(window(policy))).timesteps).toHaveLength(3);
    expect(policy.info.strategy).toBe('DDPM 3');
    await policy.dispose();
  });
});
