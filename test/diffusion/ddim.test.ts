import { describe, expect, it } from 'vitest';
import type { DdimOptions } from '../../src/diffusion/ddim.js';
import { ddimSchedule } from '../../src/diffusion/ddim.js';
import { alphasCumprod } from '../../src/diffusion/noise-schedule.js';
import { roundHalfEven } from '../../src/diffusion/timesteps.js';
import { OptionError } from '../../src/foundation/errors.js';
import { applySolverStep } from '../support/apply-solver-step.js';
import { at, EPSILON, linearForm, run, timestepsOf } from '../support/toy.js';

function ddim(steps: number, options: Partial<DdimOptions> = {}) {
  return ddimSchedule({ ...EPSILON, steps, ...options });
}

function firstStep(options: Partial<DdimOptions> = {}) {
  const [step] = ddim(2, options).steps;
  if (step === undefined) throw new Error('no first step');
  return step;
}

describe('timesteps', () => {
  it.each([
    ['leading', 1, [0]],
    ['leading', 2, [50, 0]],
    ['leading', 4, [75, 50, 25, 0]],
    ['leading', 8, [84, 72, 60, 48, 36, 24, 12, 0]],
    ['leading', 16, Array.from({ length: 16 }, (_, i) => 90 - 6 * i)],
    ['trailing', 1, [99]],
    ['trailing', 2, [99, 49]],
    ['trailing', 4, [99, 74, 49, 24]],
    ['trailing', 8, [99, 87, 74, 61, 49, 37, 24, 11]],
    ['linspace', 1, [0]],
    ['linspace', 2, [99, 0]],
    ['linspace', 4, [99, 66, 33, 0]],
    ['linspace', 8, [99, 85, 71, 57, 42, 28, 14, 0]],
  ] as const)('of %s spacing with %i steps', (timestepSpacing, steps, expected) => {
    expect(timestepsOf(ddim(steps, { timestepSpacing }))).toEqual(expected);
  });

  it('are always as many as asked for, down to every level', () => {
    for (const timestepSpacing of ['leading', 'trailing', 'linspace'] as const) {
      for (let steps = 1; steps <= 100; steps++) expect(ddim(steps, { timestepSpacing }).steps).toHaveLength(steps);
    }
  });

  it('round ties to even as NumPy does', () => {
    expect([62.5, 63.5, 12.5, 0.5, 2.4, 2.6].map(roundHalfEven)).toEqual([62, 64, 12, 0, 2, 3]);
  });
});

describe('coefficients', () => {
  it.each([
    [2, 0, 1.4455354357, -1.0190030159, 0.0251180424],
    [2, 1, 1.0003157903, -0.0251332522, 0],
    [4, 0, 1.8927878603, -1.0396129251, 0.6588249596],
    [4, 1, 1.3218142504, -0.5493256503, 0.3670663129],
    [4, 2, 1.0935995245, -0.418260746, 0.025084945],
    [4, 3, 1.0003157903, -0.0251332522, 0],
    [8, 0, 1.7633734871, -0.8026415062, 0.7728249941],
    [8, 6, 1.0231746011, -0.1928598787, 0.024957862],
  ])('of %i steps, step %i', (steps, index, sample, output, std) => {
    const form = linearForm(ddim(steps), index);
    expect(form.sample).toBeCloseTo(sample, 9);
    expect(form.output).toBeCloseTo(output, 9);
    expect(ddim(steps, { eta: 1 }).steps[index]?.fromNoise).toBeCloseTo(std, 9);
  });

  it('telescope for a constant prediction, so that only the first timestep matters', () => {
    const results = [2, 4, 8].map((steps) => run(ddim(steps, { clip: null }), 2, () => 0.5).result);
    [2.3697548139, 4.2000469358, 6.5341457025].forEach((value, i) => expect(results[i]).toBeCloseTo(value, 9));
  });

  it('aim at t − ⌊N/K⌋ even where the next visited timestep is another one', () => {
    // linspace with two steps visits 99 and 0, but the step from 99 targets 49.
    const target = ddim(2, { timestepSpacing: 'linspace' }).steps[0]?.fromX0;
    expect(target).toBe(Math.sqrt(at(EPSILON.alphasCumprod, 49)));
  });

  it('trade predicted for fresh noise: their variances add up to that of the next level', () => {
    const [step] = ddim(4, { eta: 0.7 }).steps;
    const variance = (step?.fromEps ?? NaN) ** 2 + (step?.fromNoise ?? NaN) ** 2;
    expect(variance).toBeCloseTo(1 - at(EPSILON.alphasCumprod, 50), 12);
  });

  it('draw noise only for a positive eta, and never in the last step', () => {
    expect([0, 0.5, 1].map((eta) => ddim(4, { eta }).noisySteps)).toEqual([0, 3, 3]);
  });
});

describe('the clamp', () => {
  it('acts on x0 alone: eps stays as predicted', () => {
    const { x, x0 } = applySolverStep(firstStep(), 2, 0.5, 0, 0);
    expect(x0).toBe(1);
    expect(x).toBeCloseTo(1.0122469683, 9);
    expect(applySolverStep(firstStep({ clip: null }), 2, 0.5, 0, 0).x).toBeCloseTo(2.3815693634, 9);
  });

  it('of a network that predicts the clean chunk leaves eps derived from the unclamped output', () => {
    const step = firstStep({ predictionType: 'sample' });
    expect(step.epsFromSample * 2 + step.epsFromOutput * 1.5).toBeCloseTo(1.3327331155, 9);
    expect(applySolverStep(step, 2, 1.5, 0, 0)).toEqual({ x: expect.closeTo(1.0331696525, 9), x0: 1 });
  });

  it('refuses a bound that would erase every chunk', () => {
    for (const clip of [0, -1, NaN]) expect(() => ddim(2, { clip })).toThrow(OptionError);
  });
});

describe('the toy distribution', () => {
  it.each([
    [1, 0.989428331788, -0.487718241473, 1],
    [2, 0.366091466056, 0.241001937676, 0.449484484975],
    [4, 0.395399369993, 0.234684191743, 0.502542822159],
    [8, 0.435390670542, 0.217137513178, 0.580892775452],
    [10, 0.445126800274, 0.217906915899, 0.596606723192],
    [16, 0.462630439846, 0.208005727747, 0.632380247913],
    [100, 0.493043972899, 0.203435197314, 0.686116489955],
  ])('in %i steps from 1, −0.5 and 2', (steps, fromOne, fromMinusHalf, fromTwo) => {
    expect(run(ddim(steps), 1).result).toBeCloseTo(fromOne, 10);
    expect(run(ddim(steps), -0.5).result).toBeCloseTo(fromMinusHalf, 10);
    expect(run(ddim(steps), 2).result).toBeCloseTo(fromTwo, 10);
  });

  it('in one step without the clamp', () => {
    expect(run(ddim(1, { clip: null }), 2).result).toBeCloseTo(1.974192713963, 10);
  });

  it('in two steps, traced', () => {
    const { trace } = run(ddim(2), 1);
    expect(trace[0]).toEqual({ x: expect.closeTo(0.367019281956, 10), x0: expect.closeTo(0.340534066042, 10) });
    expect(trace[1]?.x).toBe(trace[1]?.x0);
    expect(run(ddim(2, { setAlphaToOne: false }), 1).result).toBeCloseTo(0.367019281956, 10);
  });
});

it('gives what diffusers computes in float32 for the model ε = x/2', () => {
  const table = alphasCumprod({ numTrainTimesteps: 100, betaSchedule: 'squaredcos_cap_v2', betaStart: 1e-4, betaEnd: 0.02 }, 'pytorch');
  const starts = [1.5, -0.25, 0.1];
  const after = (steps: number, index: number) =>
    starts.map((x) => run(ddim(steps, { alphasCumprod: table }), x, (sample) => sample / 2).trace[index]?.x);
  const close = (values: number[]) => values.map((value) => expect.closeTo(value, 6));
  expect(after(2, 0)).toEqual(close([1.0185281, -0.234008461, 0.0936033875]));
  expect(after(2, 1)).toEqual(close([1, -0.231141686, 0.0924566761]));
  expect(after(10, 0)).toEqual(close([1.00915813, -0.383026779, 0.153210714]));
  expect(after(10, 1)).toEqual(close([0.890640736, -0.47138983, 0.188555941]));
  expect(after(10, 9)).toEqual(close([0.920954108, -0.523710251, 0.209484115]));
});

describe('unusable options', () => {
  it.each([0, -2, 2.5, NaN])('refuse %s steps', (steps) => expect(() => ddim(steps)).toThrow(OptionError));
  it('refuse more steps than training timesteps, naming both', () => {
    expect(() => ddim(101)).toThrow(/100 training timesteps.*found 101/);
  });
  it.each([-0.1, 1.1, NaN])('refuse eta %s', (eta) => expect(() => ddim(2, { eta })).toThrow(OptionError));
});
