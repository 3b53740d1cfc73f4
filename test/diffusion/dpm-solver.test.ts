import { describe, expect, it } from 'vitest';
import type { DpmSolverOptions } from '../../src/diffusion/dpm-solver.js';
import { dpmSolverSchedule } from '../../src/diffusion/dpm-solver.js';
import { OptionError } from '../../src/foundation/errors.js';
import { at, EPSILON, run, timestepsOf } from '../support/toy.js';

function dpm(steps: number, options: Partial<DpmSolverOptions> = {}) {
  return dpmSolverSchedule({ ...EPSILON, clip: null, steps, ...options });
}

/** 1 or 2 per step: only the second-order update reads the previous x0. */
function orders(steps: number, options: Partial<DpmSolverOptions> = {}): number[] {
  return dpm(steps, options).steps.map((step) => (step.fromPreviousX0 === 0 ? 1 : 2));
}

describe('timesteps', () => {
  it.each([
    ['linspace', 2, [99, 50]],
    ['linspace', 4, [99, 74, 50, 25]],
    ['linspace', 6, [99, 82, 66, 50, 33, 16]],
    ['linspace', 8, [99, 87, 74, 62, 50, 37, 25, 12]],
    ['leading', 2, [66, 33]],
    ['leading', 4, [80, 60, 40, 20]],
    ['leading', 8, [88, 77, 66, 55, 44, 33, 22, 11]],
    ['trailing', 2, [99, 49]],
    ['trailing', 4, [99, 74, 49, 24]],
    ['trailing', 8, [99, 87, 74, 61, 49, 37, 24, 11]],
  ] as const)('of %s spacing with %i steps', (timestepSpacing, steps, expected) => {
    expect(timestepsOf(dpm(steps, { timestepSpacing }))).toEqual(expected);
  });

  it('leave out the noisiest levels below lambdaMinClipped', () => {
    expect(timestepsOf(dpm(2, { lambdaMinClipped: -5.1 }))).toEqual([98, 49]);
    expect(timestepsOf(dpm(4, { lambdaMinClipped: -5.1 }))).toEqual([98, 74, 49, 24]);
    // Trailing spacing keeps the stride of all levels.
    expect(timestepsOf(dpm(2, { lambdaMinClipped: -5.1, timestepSpacing: 'trailing' }))).toEqual([98, 48]);
    expect(() => dpm(2, { lambdaMinClipped: 10 })).toThrow(OptionError);
  });

  it('are visited once each, with finite coefficients, however many are asked for', () => {
    for (const timestepSpacing of ['linspace', 'trailing'] as const) {
      for (const finalSigma of ['zero', 'sigma-min'] as const) {
        for (const lambdaMinClipped of [-Infinity, -5.1]) {
          for (const steps of [1, 49, 98, 99, 100]) {
            const form = { timestepSpacing, solverType: 'heun' } as const;
            const schedule = dpm(steps, { ...form, finalSigma, lambdaMinClipped });
            expect(new Set(timestepsOf(schedule)).size).toBe(schedule.steps.length);
            const sums = schedule.steps.map((step) => step.fromX0 + step.fromSample + step.fromPreviousX0);
            expect(sums.every(Number.isFinite)).toBe(true);
          }
        }
      }
    }
    expect(() => dpm(100, { timestepSpacing: 'leading' })).toThrow(/found 100 steps and 100 levels/);
  });
});

describe('order', () => {
  it('is first at the start and the end', () => {
    expect(orders(2)).toEqual([1, 1]);
    expect(orders(4)).toEqual([1, 2, 2, 1]);
  });

  it('stays second at the end only when a schedule of at least 15 steps stops at noise', () => {
    const stop = { finalSigma: 'sigma-min' } as const;
    expect(at(orders(4, stop), 3)).toBe(1);
    expect(at(orders(14, stop), 13)).toBe(1);
    expect(at(orders(15, stop), 14)).toBe(2);
    expect(at(orders(15), 14)).toBe(1);
  });
});

it('ends with exactly x0, the clean chunk’s level having no logarithm', () => {
  expect(dpm(4).steps[3]).toMatchObject({ fromX0: 1, fromSample: 0, fromPreviousX0: 0, fromEps: 0, fromNoise: 0 });
});

it('computes Heun’s second-order term', () => {
  // Written out from λ: D = (m − m_prev)/r enters as a'((e^{-h} − 1)/h + 1).
  const lambda = (t: number) => 0.5 * Math.log(at(EPSILON.alphasCumprod, t) / (1 - at(EPSILON.alphasCumprod, t)));
  const h = lambda(50) - lambda(74);
  const r = (lambda(74) - lambda(99)) / h;
  const second = Math.sqrt(at(EPSILON.alphasCumprod, 50)) * ((Math.exp(-h) - 1) / h + 1);
  expect(dpm(4, { solverType: 'heun' }).steps[1]?.fromPreviousX0).toBeCloseTo(-second / r, 12);
});

describe('the toy distribution', () => {
  it.each([
    [2, 'zero', 0.336938023505, 0.281522795569, 0.373881508795],
    [2, 'sigma-min', 0.361065160315, 0.269311794091, 0.42223407113],
    [4, 'zero', 0.380303587025, 0.259830395533, 0.460619048019],
    [4, 'sigma-min', 0.402555573609, 0.248557385068, 0.505221032636],
    [8, 'zero', 0.432358914326, 0.233791186259, 0.564737399705],
  ] as const)('in %i steps to %s from 1, −0.5 and 2', (steps, finalSigma, fromOne, fromMinusHalf, fromTwo) => {
    expect(run(dpm(steps, { finalSigma }), 1).result).toBeCloseTo(fromOne, 9);
    expect(run(dpm(steps, { finalSigma }), -0.5).result).toBeCloseTo(fromMinusHalf, 9);
    expect(run(dpm(steps, { finalSigma }), 2).result).toBeCloseTo(fromTwo, 9);
  });

  it('in four steps, traced', () => {
    const { trace } = run(dpm(4), 1);
    expect(trace.map(({ x }) => x)).toEqual(
      [1.038875949382, 0.936529639527, 0.708653042075, 0.380303587025].map((x) => expect.closeTo(x, 9)),
    );
    expect(trace.slice(0, 3).map(({ x0 }) => x0)).toEqual(
      [0.300019709309, 0.316311868114, 0.337287864752].map((x0) => expect.closeTo(x0, 9)),
    );
  });
});

describe('unusable options', () => {
  it.each([0, 1.5, 101])('refuse %s steps', (steps) => expect(() => dpm(steps)).toThrow(OptionError));
  it.each([{ solverType: 'euler' }, { finalSigma: 'zeros' }, { timestepSpacing: 'even' }])(
    'refuse %o, even in a single step',
    (options) => {
      expect(() => dpm(1, options as Partial<DpmSolverOptions>)).toThrow(/must be .*, found (euler|zeros|even)/);
    },
  );
});
