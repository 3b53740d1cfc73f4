import { describe, expect, it } from 'vitest';
import { EMA_COUNTS, emaDecay } from '../../../src/training/loop/ema-decay.js';
import { learningRate } from '../../../src/training/loop/learning-rate.js';
import { PRESETS } from '../../../src/training/loop/presets.js';
import { updateScalars } from '../../../src/training/loop/update-scalars.js';

const COSINE = { name: 'cosine', peak: 1e-4, warmupSteps: 500, totalSteps: 100_000 } as const;

describe('the learning rate', () => {
  it.each([
    [0, 0],
    [1, 2e-7],
    [250, 5e-5],
    [499, 9.98e-5],
    [500, 1e-4],
    [501, 9.999999997507738e-5],
    [1000, 9.999376947588288e-5],
    [25_000, 8.577146442236857e-5],
    [50_000, 5.039466834548568e-5],
    [75_000, 1.4784473717366404e-5],
  ])('of the step after %d is that of diffusers', (done, rate) => {
    expect(Math.abs(learningRate(COSINE, done) - rate)).toBeLessThanOrEqual(1e-15 * Math.max(rate, 1e-4));
  });

  it('is 0 at the end, where the cosine is, and stays there, where the cosine would rise again', () => {
    expect(learningRate(COSINE, 99_999) / 2.4923e-14).toBeCloseTo(1, 3);
    expect([100_000, 150_000].map((done) => learningRate(COSINE, done))).toEqual([0, 0]);
  });

  it('stays at its peak where it is constant, after the same warm-up; a run without warm-up begins there', () => {
    expect([0, 250, 500, 99_000].map((done) => learningRate({ ...COSINE, name: 'constant' }, done))).toEqual([0, 5e-5, 1e-4, 1e-4]);
    expect(learningRate({ ...COSINE, warmupSteps: 0 }, 0)).toBe(1e-4);
  });
});

describe('a rate that falls in steps', () => {
  const rate = (done: number, more: object = {}): number =>
    learningRate({ name: 'step', peak: 1, warmupSteps: 0, totalSteps: 10, decayEvery: 3, decayFactor: 0.5, ...more }, done);

  it('is what StepLR makes of it', () => {
    expect([0, 2, 3, 5, 6, 9].map((done) => rate(done))).toEqual([1, 1, 0.5, 0.5, 0.25, 0.125]);
  });

  it('falls by a hundredth, and never where nobody says when', () => {
    expect(rate(3, { decayFactor: undefined })).toBe(0.99);
    expect(rate(1e6, { decayEvery: undefined })).toBe(1);
  });
});

describe('the decay of an EMA', () => {
  it('counts updates as diffusers does, one later as Diffusion Policy does, and warms up as torch_ema does; RNR-DP has a ratio of them', () => {
    const first = (count: (typeof EMA_COUNTS)[number]): number[] =>
      [1, 2, 3, 4, 5].map((update) => Number(emaDecay(count, update).toFixed(9)));
    expect(EMA_COUNTS.map(first)).toEqual([
      [0, 0.405396442, 0.561308662, 0.646446609, 0.700930244],
      [0, 0, 0.405396442, 0.561308662, 0.646446609],
      [0, 0.181818182, 0.25, 0.307692308, 0.357142857],
      [2 / 11, 3 / 12, 4 / 13, 5 / 14, 6 / 15].map((decay) => Number(decay.toFixed(9))),
    ]);
  });

  it('reaches 0.99, 0.999 and its limit where the formula does', () => {
    for (const [since, decay] of [
      [463, 0.99],
      [9_999, 0.999],
      [215_442, 0.9999],
    ] as const) {
      expect(emaDecay('lerobot', since)).toBeLessThan(decay);
      expect(emaDecay('lerobot', since + 2)).toBeGreaterThanOrEqual(decay - 1e-6);
    }
    expect(emaDecay('diffusion-policy', 10_000_000)).toBe(0.9999);
    expect([25, 26, 27].map((update) => emaDecay('bridger', update))).toEqual([26 / 35, 0.75, 0.75]);
  });
});

describe('scalars of a step', () => {
  it('are those of LeRobot: coupled decay, clipping, no EMA', () => {
    expect(updateScalars(PRESETS.lerobot, 100_000, 250)).toEqual({
      optimizer: 'adam',
      learningRate: 5e-5,
      beta1: 0.95,
      beta2: 0.999,
      epsilon: 1e-8,
      weightDecay: 1e-6,
      stepNumber: 251,
      clipNorm: 10,
      emaDecay: null,
    });
  });

  it('are those of Diffusion Policy: decoupled decay, no clipping, an EMA that copies twice', () => {
    const scalars = [0, 1, 2].map((done) => updateScalars(PRESETS['diffusion-policy'], 100_000, done));
    expect(scalars.map(({ emaDecay: decay }) => decay)).toEqual([0, 0, emaDecay('diffusion-policy', 3)]);
    expect(scalars[0]).toMatchObject({ optimizer: 'adamw', clipNorm: null, learningRate: 0, stepNumber: 1 });
  });

  it('are those of the STEP release for its predictor', () => {
    expect(updateScalars(PRESETS.step, 100_000, 500)).toMatchObject({
      optimizer: 'adamw',
      learningRate: 1e-4,
      beta1: 0.9,
      weightDecay: 1e-4,
      clipNorm: null,
      emaDecay: null,
    });
  });
});
