import { describe, expect, it } from 'vitest';
import { ddimSchedule } from '../../src/diffusion/ddim.js';
import type { Schedule } from '../../src/diffusion/solver-step.js';
import type { Start } from '../../src/diffusion/warm-start.js';
import { stalledStart, timestepOfNoiseRatio, warmStart } from '../../src/diffusion/warm-start.js';
import { OptionError } from '../../src/foundation/errors.js';
import { at, EPSILON, EXACT, gaussianDenoiser, run, timestepsOf } from '../support/toy.js';

const PREDICTION = 0.5;
const NOISE = -0.7;
const PAPER = { sigma: 1, sigmaT: 0.1 };
const STALL = { sigmaScale: 0.4, sigmaStall: 1.2 };

function initial(start: Start): number {
  return start.predictionScale * PREDICTION + start.noiseScale * NOISE;
}

function refined(start: Start): number {
  return run(start.schedule, initial(start)).result;
}

describe('starts from Â = 0.5 and ε = −0.7, refined by the toy denoiser', () => {
  it.each([
    [1, 0.482254432172, 0.479570937563],
    [2, -0.159835361538, 0.269369293807],
    [4, -0.468919115429, 0.238014305012],
    [8, -0.56513801809, 0.207659794436],
  ])('forward-noise, budget %i', (budget, x, result) => {
    const start = warmStart({ mode: 'forward-noise' }, budget, EPSILON);
    expect(initial(start)).toBeCloseTo(x, 10);
    expect(refined(start)).toBeCloseTo(result, 10);
  });

  it.each([
    [1, 0.428112633949, 0.497046140701, -0.625585254978],
    [2, 0.318557445271, 0.324394956596, 0.229326915027],
    [4, 0.334327602258, 0.341827643909, 0.219684108439],
    [8, 0.352454470744, 0.362639618088, 0.196767218491],
  ])('eq13 with and without noise, and a stall, budget %i', (budget, noisy, clean, stalled) => {
    expect(refined(warmStart({ mode: 'eq13', ...PAPER }, budget, EPSILON))).toBeCloseTo(noisy, 10);
    expect(refined(warmStart({ mode: 'eq13', sigma: 1, sigmaT: 0 }, budget, EPSILON))).toBeCloseTo(clean, 10);
    expect(refined(stalledStart(STALL, budget, EPSILON))).toBeCloseTo(stalled, 10);
  });

  it('train-index walks the lowest training levels', () => {
    const start = warmStart({ mode: 'train-index', ...PAPER }, 4, EPSILON);
    expect(timestepsOf(start.schedule)).toEqual([3, 2, 1, 0]);
    expect(refined(start)).toBeCloseTo(0.42101831165, 10);
    expect(refined(warmStart({ mode: 'train-index', ...PAPER }, 2, EPSILON))).toBeCloseTo(0.426200450176, 10);
  });

  it('snr-matched starts at the level of its noise', () => {
    const start = warmStart({ mode: 'snr-matched', ...PAPER }, 2, EPSILON);
    expect(timestepsOf(start.schedule)).toEqual([5, 2]);
    expect(refined(start)).toBeCloseTo(0.408125837801, 10);
  });
});

describe('the timesteps of a warm start', () => {
  it('are those of the cold run with as many steps, so that K′ counts network evaluations', () => {
    for (const budget of [1, 2, 4, 8]) {
      const cold = timestepsOf(ddimSchedule({ ...EPSILON, steps: budget }));
      const meanMatched = { mode: 'mean-matched', sigmaT: 0.1 } as const;
      const rules = [{ mode: 'forward-noise' }, { mode: 'eq13', ...PAPER }, meanMatched] as const;
      for (const rule of rules) {
        expect(timestepsOf(warmStart(rule, budget, EPSILON).schedule)).toEqual(cold);
      }
      expect(timestepsOf(stalledStart(STALL, budget, EPSILON).schedule)).toEqual(cold);
    }
  });

  it('of snr-matched shrink to the lowest level as the noise vanishes', () => {
    const timesteps = (sigmaT: number, budget: number) =>
      timestepsOf(warmStart({ mode: 'snr-matched', sigma: 1, sigmaT }, budget, EPSILON).schedule);
    expect(timesteps(0, 4)).toEqual([0]);
    expect(timesteps(0.042, 4)).toEqual([1, 0]);
    expect(timesteps(0.1, 4)).toEqual([5, 4, 2, 1]);
    expect(timesteps(1, 2)).toEqual([49, 24]);
    expect([1, 2, 4].map((budget) => timesteps(1.04, budget))).toEqual([[50], [50, 25], [50, 38, 25, 12]]);
  });
});

it('one evaluation of snr-matched is what the network makes of the noised prediction; of forward-noise, at t = 0, it is the prediction', () => {
  const middle = warmStart({ mode: 'snr-matched', sigma: 1, sigmaT: 1.04 }, 1, EPSILON);
  const [x, alphaBar] = [initial(middle), at(EXACT, 50)];
  const signal = Math.sqrt(alphaBar);
  // x̂0 of the toy's data, N(0.3, 0.2²).
  expect(refined(middle)).toBeCloseTo((0.04 * signal * x + (1 - alphaBar) * 0.3) / (0.04 * alphaBar + 1 - alphaBar), 10);
  expect(refined(warmStart({ mode: 'forward-noise' }, 1, EPSILON))).toBeCloseTo(PREDICTION, 1);
});

describe('mixtures', () => {
  it('of forward-noise keep the variance of their level', () => {
    const { predictionScale, noiseScale } = warmStart({ mode: 'forward-noise' }, 2, EPSILON);
    expect(predictionScale).toBeCloseTo(0.6915667957, 10);
    expect(noiseScale).toBeCloseTo(0.7223125134, 10);
  });

  it('of mean-matched keep the mean of their level and the noise asked for', () => {
    const start = warmStart({ mode: 'mean-matched', sigmaT: 0.1 }, 4, EPSILON);
    expect(start.predictionScale).toBeCloseTo(0.3653694163, 10);
    expect(start.noiseScale).toBe(0.1);
  });

  it('of snr-matched depend on σ_T/σ alone', () => {
    const one = warmStart({ mode: 'snr-matched', sigma: 1, sigmaT: 3 }, 2, EPSILON);
    const half = warmStart({ mode: 'snr-matched', sigma: 0.5, sigmaT: 1.5 }, 2, EPSILON);
    expect(half).toEqual(one);
  });
});

it.each([
  [1.2 / 0.4, 78.3],
  [1.2 / 0.2, 88.4],
  [1.4 / 0.4, 81.1],
  [1.4 / 0.2, 89.9],
  [1, 48.6],
  [0.1, 4.65],
])('a noise-to-signal ratio of %d belongs to timestep %d', (ratio, timestep) =>
  expect(Math.abs(timestepOfNoiseRatio(EXACT, ratio) - timestep)).toBeLessThan(0.06),
);

it('a noise-to-signal ratio beyond the schedule belongs to its nearest end', () => {
  expect([0, 0.01, 1e9].map((ratio) => timestepOfNoiseRatio(EXACT, ratio))).toEqual([0, 0, 99]);
});

describe('the refined action is A·Â + B·ε + C·μ for data N(μ, s²)', () => {
  function response(start: Start, std: number): number[] {
    const outcome = (prediction: number, noise: number, mean: number) =>
      run(start.schedule, start.predictionScale * prediction + start.noiseScale * noise, gaussianDenoiser(mean, std)).result;
    return [outcome(1, 0, 0), outcome(0, 1, 0), outcome(0, 0, 1)];
  }
  const open = { ...EPSILON, clip: null };
  const cold = (schedule: Schedule): Start => ({ predictionScale: 0, noiseScale: 1, schedule });
  const forward = (budget: number) => warmStart({ mode: 'forward-noise' }, budget, open);
  const paper = (mode: 'eq13' | 'train-index' | 'snr-matched', budget: number) => warmStart({ mode, ...PAPER }, budget, open);

  it.each([
    ['a cold run', cold(ddimSchedule({ ...open, steps: 2 })), [0, 0.045, 0.969], [0, 0.141, 0.902]],
    ['forward-noise, budget 2', forward(2), [0.031, 0.032, 0.969], [0.098, 0.102, 0.902]],
    ['forward-noise, budget 4', forward(4), [0.017, 0.043, 0.983], [0.069, 0.175, 0.931]],
    ['forward-noise, budget 8', forward(8), [0.014, 0.059, 0.986], [0.056, 0.233, 0.944]],
    ['eq13, budget 2', paper('eq13', 2), [0.045, 0.004, 0.969], [0.141, 0.014, 0.902]],
    ['eq13, budget 4', paper('eq13', 4), [0.047, 0.005, 0.983], [0.188, 0.019, 0.931]],
    ['eq13, budget 8', paper('eq13', 8), [0.061, 0.006, 0.986], [0.24, 0.024, 0.944]],
    ['train-index, budget 2', paper('train-index', 2), [0.885, 0.089, 0.115], [0.986, 0.099, 0.015]],
    ['train-index, budget 4', paper('train-index', 4), [0.762, 0.076, 0.24], [0.966, 0.097, 0.036]],
    ['snr-matched, budget 2', paper('snr-matched', 2), [0.57, 0.057, 0.43], [0.916, 0.092, 0.084]],
    ['a stall, budget 2', stalledStart(STALL, 2, open), [0.018, 0.054, 0.969], [0.057, 0.17, 0.902]],
  ])('%s', (_, start, narrow, wide) => {
    for (const [std, expected] of [
      [0.1, narrow],
      [0.3, wide],
    ] as const) {
      response(start, std).forEach((value, i) => expect(Math.abs(value - (expected[i] ?? NaN))).toBeLessThan(6e-4));
    }
  });

  it('forward-noise is unbiased: A + C = 1', () => {
    for (const budget of [1, 2, 4, 8]) {
      const [a = NaN, , c = NaN] = response(forward(budget), 0.3);
      expect(a + c).toBeCloseTo(1, 12);
    }
  });
});

describe('unusable options', () => {
  it.each([0, 1.5, 101])('refuse a budget of %s', (budget) => {
    expect(() => warmStart({ mode: 'forward-noise' }, budget, EPSILON)).toThrow(OptionError);
    expect(() => warmStart({ mode: 'train-index', ...PAPER }, budget, EPSILON)).toThrow(OptionError);
    expect(() => stalledStart(STALL, budget, EPSILON)).toThrow(OptionError);
  });

  it('refuse mixtures that are negative, not finite, or without a noise level', () => {
    expect(() => warmStart({ mode: 'eq13', sigma: NaN, sigmaT: 0.1 }, 2, EPSILON)).toThrow(OptionError);
    expect(() => warmStart({ mode: 'mean-matched', sigmaT: -0.1 }, 2, EPSILON)).toThrow(OptionError);
    expect(() => warmStart({ mode: 'snr-matched', sigma: 0, sigmaT: 0.1 }, 2, EPSILON)).toThrow(/found 0/);
    expect(() => stalledStart({ sigmaScale: 0.4, sigmaStall: Infinity }, 2, EPSILON)).toThrow(OptionError);
  });
});
