import { describe, expect, it } from 'vitest';
import { alphasCumprod, betas } from '../../src/diffusion/noise-schedule.js';
import { OptionError } from '../../src/foundation/errors.js';
import type { NoiseScheduleOptions } from '../../src/spec/noise-schedule.js';
import { at } from '../support/toy.js';

const cosine: NoiseScheduleOptions = {
  numTrainTimesteps: 100,
  betaSchedule: 'squaredcos_cap_v2',
  betaStart: 1e-4,
  betaEnd: 0.02,
};

describe('exact arithmetic', () => {
  it.each([
    [0, 9.993687184017e-1],
    [1, 9.982524864661e-1],
    [5, 9.889667787974e-1],
    [12, 9.546105937835e-1],
    [24, 8.470121613269e-1],
    [25, 8.356205769509e-1],
    [50, 4.782646329455e-1],
    [65, 2.554571997932e-1],
    [74, 1.442721023857e-1],
    [75, 1.3349481038e-1],
    [84, 5.365923450615e-2],
    [98, 2.42857227935e-4],
    [99, 2.42857227935e-7],
  ])('gives the squared cosine’s ā at timestep %i', (t, expected) => {
    expect(at(alphasCumprod(cosine, 'exact'), t) / expected).toBeCloseTo(1, 11);
  });

  it('gives the squared cosine’s β, capped at the last level only', () => {
    const beta = betas(cosine, 'exact');
    expect(at(beta, 0)).toBeCloseTo(6.312815983416931e-4, 15);
    expect(at(beta, 50)).toBeCloseTo(3.154633936072582e-2, 14);
    expect(at(beta, 98)).toBeCloseTo(0.7499392803846627, 13);
    expect(at(beta, 99)).toBe(0.999);
  });
});

describe('PyTorch’s arithmetic: the table of a checkpoint’s training run, bit for bit', () => {
  // Nine decimal digits identify a float32, so rounding them recovers the recorded bits.
  it.each([
    [0, 0.000631281582, 0.999368727],
    [10, 0.00553036993, 0.966716647],
    [25, 0.013449139, 0.835620522],
    [50, 0.0315463394, 0.47826457],
    [75, 0.0747011527, 0.133494809],
    [90, 0.188751444, 0.0195443742],
    [99, 0.999000013, 2.42854071e-7],
  ])('gives β and ā at timestep %i of squaredcos_cap_v2', (t, beta, alphaBar) => {
    expect(at(betas(cosine, 'pytorch'), t)).toBe(Math.fround(beta));
    expect(at(alphasCumprod(cosine, 'pytorch'), t)).toBe(Math.fround(alphaBar));
  });

  it.each([
    ['linear', 0, 0.999899983],
    ['linear', 50, 0.769291282],
    ['linear', 99, 0.36356324],
    ['scaled_linear', 0, 0.999899983],
    ['scaled_linear', 50, 0.891545057],
    ['scaled_linear', 99, 0.484589875],
  ] as const)('gives ā of %s at timestep %i', (betaSchedule, t, expected) => {
    expect(at(alphasCumprod({ ...cosine, betaSchedule }, 'pytorch'), t)).toBe(Math.fround(expected));
  });

  it('differs from exact arithmetic where a policy can see it: the last level', () => {
    const ratio = at(alphasCumprod(cosine, 'pytorch'), 99) / at(alphasCumprod(cosine, 'exact'), 99);
    expect(Math.abs(ratio - 1)).toBeGreaterThan(1.2e-5);
    expect(Math.abs(ratio - 1)).toBeLessThan(1.4e-5);
  });
});

describe('linear schedules', () => {
  it('include both ends', () => {
    const linear = betas({ ...cosine, betaSchedule: 'linear' }, 'exact');
    expect([at(linear, 0), at(linear, 99)]).toEqual([1e-4, 0.02]);
    expect(at(linear, 50)).toBeCloseTo(1e-4 + (0.0199 * 50) / 99, 15);
    const scaled = betas({ ...cosine, betaSchedule: 'scaled_linear' }, 'exact');
    expect(at(scaled, 0)).toBeCloseTo(1e-4, 15);
    expect(at(scaled, 99)).toBeCloseTo(0.02, 15);
  });

  it('reach both ends exactly in float32 too, whatever their length', () => {
    for (const numTrainTimesteps of [2, 38, 75, 100, 1000]) {
      const linear = betas({ ...cosine, betaSchedule: 'linear', numTrainTimesteps }, 'pytorch');
      expect([at(linear, 0), at(linear, numTrainTimesteps - 1)]).toEqual([Math.fround(1e-4), Math.fround(0.02)]);
    }
  });

  it('of one level have that level alone', () => {
    expect([...betas({ ...cosine, betaSchedule: 'linear', numTrainTimesteps: 1 }, 'exact')]).toEqual([1e-4]);
  });
});

describe('unusable schedules', () => {
  it.each([0, -1, 2.5, NaN])('refuse %s training timesteps', (numTrainTimesteps) => {
    expect(() => alphasCumprod({ ...cosine, numTrainTimesteps }, 'exact')).toThrow(OptionError);
  });

  it('refuse a β outside (0, 1), which only the linear schedules read', () => {
    const linear = { ...cosine, betaSchedule: 'linear', betaEnd: 1 } as const;
    expect(() => alphasCumprod(linear, 'exact')).toThrow(/betaEnd.*found.*1/);
    expect(alphasCumprod({ ...cosine, betaEnd: 1 }, 'exact')).toHaveLength(100);
  });
});
