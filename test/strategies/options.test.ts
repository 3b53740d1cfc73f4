import { describe, expect, it } from 'vitest';
import { OptionError } from '../../src/foundation/errors.js';
import { type LoadPolicyOptions, loadPolicy } from '../../src/policy/load-policy.js';
import { createStrategy } from '../../src/strategies/index.js';
import type { StrategyOptions } from '../../src/strategies/strategy-options.js';
import { useTestDevice } from '../support/device.js';
import { golden } from '../support/folders.js';
import { loadGolden, observation, window } from '../support/golden-policy.js';

describe('options', () => {
  const device = useTestDevice();

  const loading: [string, object, RegExp][] = [
    ['an unknown name', { percision: 'f16' }, /loadPolicy: unknown option "percision".*precision/],
    ['an unknown precision', { precision: 'f64' }, /precision must be one of f32, f16, int8, auto, found f64/],
    ['a negative seed', { seed: -1 }, /seed must be an integer from 0/],
    ['a fraction as a seed', { seed: 0.5 }, /seed must be an integer/],
    ['a text as a seed', { seed: '1' }, /seed must be an integer/],
    ['a strategy misspelt', { strategy: { name: 'DDIMM' } }, /name must be one of DDPM, DDIM, DPM-Solver\+\+, STEP, .*, found DDIMM/],
    ['no steps', { strategy: { name: 'DDIM', steps: 0 } }, /steps must be an integer from 1 to 100, found 0/],
    ['more steps than training had', { strategy: { name: 'DDIM', steps: 101 } }, /steps must be an integer from 1 to 100/],
    ['an option of another solver', { strategy: { name: 'DDPM', eta: 0.5 } }, /strategy DDPM: unknown option "eta"/],
    [
      'an unknown spacing',
      { strategy: { name: 'DDPM', timestepSpacing: 'even' } },
      /timestepSpacing must be one of leading, trailing, linspace, found even/,
    ],
    [
      'an unknown solver type',
      { strategy: { name: 'DPM-Solver++', solverType: 'euler' } },
      /solverType must be one of midpoint, heun, found euler/,
    ],
    [
      'an unknown final sigma',
      { strategy: { name: 'DPM-Solver++', finalSigma: 'sigma_min' } },
      /finalSigma must be one of zero, sigma-min, found sigma_min/,
    ],
    ['a text as λ', { strategy: { name: 'DPM-Solver++', lambdaMinClipped: '-5.1' } }, /lambdaMinClipped must be a number, found "-5.1"/],
    ['a number as a switch', { strategy: { name: 'DDIM', setAlphaToOne: 0 } }, /setAlphaToOne must be true or false, found 0/],
    ['a text as eta', { strategy: { name: 'DDIM', eta: '0.5' } }, /eta must be a number from 0 to 1, found "0.5"/],
    ['too large an eta', { strategy: { name: 'DDIM', eta: 1.5 } }, /eta must be a number from 0 to 1, found 1.5/],
    [
      'a clamp to nothing',
      { strategy: { name: 'DDIM', clip: 0 } },
      /clip must be null, a finite number above 0, or { quantile, most } for dynamic thresholding, found 0/,
    ],
    [
      'an unknown option of STEP',
      { networks: { predictor: 'shift' }, strategy: { name: 'STEP', steps: 2 } },
      /strategy STEP: unknown option "steps".*budget/,
    ],
    ['a budget of 0', { networks: { predictor: 'shift' }, strategy: { name: 'STEP', budget: 0 } }, /budget must be an integer from 1/],
    [
      'an unknown warm start',
      { networks: { predictor: 'shift' }, strategy: { name: 'STEP', warmStart: { mode: 'eq31' } } },
      /warmStart: mode must be one of forward-noise, eq13/,
    ],
    [
      'a warm start in the wrong place',
      { networks: { predictor: 'shift' }, strategy: { name: 'STEP', warmStart: { mode: 'forward-noise', sigma: 1 } } },
      /warmStart: unknown option "sigma"/,
    ],
    [
      'a stall rule misspelt',
      { networks: { predictor: 'shift' }, strategy: { name: 'STEP', stall: { epsilon: 1 } } },
      /stall: unknown option "epsilon"/,
    ],
    [
      'an unknown norm',
      { networks: { predictor: 'shift' }, strategy: { name: 'STEP', stall: { norm: 'l3' } } },
      /stall: norm must be one of rms, l2, linf/,
    ],
    [
      'a stall distance of 0',
      { networks: { predictor: 'shift' }, strategy: { name: 'STEP', stall: { eps: 0 } } },
      /stall: eps must be a finite number above 0, found 0/,
    ],
    [
      'NaN as a stall distance',
      { networks: { predictor: 'shift' }, strategy: { name: 'STEP', stall: { eps: NaN } } },
      /stall: eps must be .*, found NaN/,
    ],
    [
      'a negative scale of a stall',
      { networks: { predictor: 'shift' }, strategy: { name: 'STEP', stall: { sigmaScale: -1 } } },
      /stall: sigmaScale must be .* at least 0, found -1/,
    ],
    [
      'infinite noise of a stall',
      { networks: { predictor: 'shift' }, strategy: { name: 'STEP', stall: { sigmaStall: Infinity } } },
      /stall: sigmaStall must be .*, found Infinity/,
    ],
    [
      'a negative scale of a warm start',
      { networks: { predictor: 'shift' }, strategy: { name: 'STEP', warmStart: { mode: 'eq13', sigma: -1 } } },
      /warmStart: sigma must be .*, found -1/,
    ],
    [
      'a text as noise of a warm start',
      { networks: { predictor: 'shift' }, strategy: { name: 'STEP', warmStart: { mode: 'mean-matched', sigmaT: '1' } } },
      /warmStart: sigmaT must be .*, found "1"/,
    ],
    [
      'an unknown solver of a cold start',
      { networks: { predictor: 'shift' }, strategy: { name: 'STEP', coldStart: { solver: 'Euler' } } },
      /coldStart: solver must be one of DDPM, DDIM/,
    ],
    [
      'an unknown cold start',
      { networks: { predictor: 'shift' }, strategy: { name: 'STEP', coldStart: { mode: 'warm' } } },
      /coldStart: mode must be one of/,
    ],
    ['a predictor in its old place', { predictor: 'shift' }, /`predictor` has moved: write `networks: { predictor }`/],
    ['an unknown network', { networks: { student: 'shift' } }, /networks: unknown option "student"/],
    ['networks that are none', { networks: 'shift' }, /networks must be an object such as { predictor }, found shift/],
    ['STEP without a predictor', { strategy: { name: 'STEP' } }, /strategy STEP needs a predictor/],
  ];

  it.each(loading)('loadPolicy refuses %s', async (_, options, message) => {
    const promise = loadPolicy(golden('state-bias-film/policy'), { ...(options as LoadPolicyOptions), device: device() });
    await expect(promise).rejects.toThrow(OptionError);
    await expect(promise).rejects.toThrow(message);
  });

  it('loadPolicy refuses the predictor of another policy, and names the sizes', async () => {
    const promise = loadPolicy(golden('state-bias-film/policy'), {
      device: device(),
      networks: { predictor: golden('step-forward-noise/predictor') },
    });
    await expect(promise).rejects.toThrow(OptionError);
    await expect(promise).rejects.toThrow(/does not belong to policy.*action_dim is 2, the policy's is 3/);
  });

  it('act and plan refuse options that they do not know, and plan a history that does not fit', async () => {
    const policy = await loadGolden(device(), 'state-bias-film', { predictor: 'shift' });
    await expect(policy.act(observation(policy), { nois: [] } as object)).rejects.toThrow(/act: unknown option "nois"/);
    await expect(policy.decide(window(policy), { prev: [] } as object)).rejects.toThrow(/decide: unknown option "prev"/);
    const { horizon, actionDim } = policy.info;
    const zeros = new Float32Array(horizon * actionDim);
    const short = { normalizedChunk: zeros.slice(1), chunk: zeros };
    await expect(policy.decide(window(policy), { previous: [short] })).rejects.toThrow(new RegExp(`${zeros.length} finite values`));
    const nan = { normalizedChunk: zeros.slice().fill(NaN), chunk: zeros };
    await expect(policy.decide(window(policy), { previous: [nan] })).rejects.toThrow(OptionError);
    const past = { normalizedChunk: zeros, chunk: zeros };
    await expect(policy.decide(window(policy), { previous: [past, past, past] })).rejects.toThrow(/two newest results at most, found 3/);
    await expect(policy.decide(window(policy), { previous: [], seed: -1 })).rejects.toThrow(OptionError);
    expect((await policy.decide(window(policy), { previous: [past] })).warm).toBe(true);
    await policy.dispose();
  });

  it('useStrategy refuses what loading refuses, and leaves the strategy as it was', async () => {
    const policy = await loadGolden(device(), 'state-bias-film');
    const before = policy.info.strategy;
    expect(() => policy.useStrategy({ name: 'STEP' })).toThrow(/needs a predictor/);
    expect(() => policy.useStrategy({ name: 'DDIM', stepz: 2 } as StrategyOptions)).toThrow(OptionError);
    await policy.decide(window(policy));
    expect(policy.info.strategy).toBe(before);
    policy.useStrategy({ name: 'DDPM', steps: 3 });
    expect((await policy.decide(window(policy))).timesteps).toHaveLength(3);
    expect(policy.info.strategy).toBe('DDPM 3');
    await policy.dispose();
  });
});

describe('an option that is given as undefined', () => {
  const context = {
    scheduler: {
      type: 'DDPM',
      predictionType: 'epsilon',
      clipSample: true,
      clipSampleRange: 1,
      numInferenceSteps: 10,
      numTrainTimesteps: 100,
      betaSchedule: 'squaredcos_cap_v2',
      betaStart: 1e-4,
      betaEnd: 0.02,
    },
    horizon: 4,
    actionDim: 2,
    observationSteps: 1,
    actionSteps: 2,
  } as const;

  it('leaves the default: a stall rule still finds a standstill', () => {
    const nothing = { eps: undefined, norm: undefined, rows: undefined, space: undefined, sigmaScale: undefined, sigmaStall: undefined };
    const strategy = createStrategy({ name: 'STEP', stall: nothing as object }, context);
    const past = { normalizedChunk: new Float32Array(8), chunk: new Float32Array(8) };
    const context_ = {
      newest: past,
      before: past,
      frames: new Float32Array(),
      uniform: () => new Float64Array(),
      normal: () => new Float32Array(),
    };
    const { value } = strategy.begin().decide(context_).next();
    expect(value).toEqual([expect.objectContaining({ stalled: true, predictionScale: 0.4, noiseScale: 1.2 })]);
  });
});
