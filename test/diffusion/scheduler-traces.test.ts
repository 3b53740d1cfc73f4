import { describe, expect, it } from 'vitest';
import { alphasCumprod } from '../../src/diffusion/noise-schedule.js';
import { OptionError } from '../../src/foundation/errors.js';
import { applyToSample } from '../support/apply-solver-step.js';
import { readTraces, type Trace, traceBound, traceSchedule } from '../support/scheduler-traces.js';
import { timestepsOf } from '../support/toy.js';

// Runs of diffusers' schedulers, one for each of their options: timesteps exactly, samples and x0 of every step.

const TRACES = readTraces();
/** diffusers' deprecated type, which integrates the noise: refused by name. */
const REFUSED = 'dpm-plain-dpmsolver-sigma-min-8';

function largestDifference(found: ArrayLike<number>, expected: readonly number[]): number {
  return Math.max(...expected.map((value, i) => Math.abs(value - (found[i] ?? NaN))));
}

function expectTrace(trace: Trace): void {
  const schedule = traceSchedule(trace);
  expect(timestepsOf(schedule)).toEqual(trace.timesteps);
  const [samples, ...rest] = trace.shape;
  const size = rest.reduce((a, b) => a * b);
  for (let b = 0; b < samples; b++) {
    const own = (values: readonly number[] | undefined): readonly number[] | undefined => values?.slice(b * size, (b + 1) * size);
    let x: ArrayLike<number> = own(trace.x) as readonly number[];
    const past: Float64Array[] = [];
    schedule.steps.forEach((step, i) => {
      const output = own(trace.model_output[i]) as readonly number[];
      const result = applyToSample(step, { x, output, noise: own(trace.noise?.[i]), previousX0: past.at(-1), olderX0: past.at(-2) });
      const expected = own(trace.expected.float64[i]) as readonly number[];
      expect(largestDifference(result.x, expected), `sample ${b} after step ${i}`).toBeLessThan(traceBound(expected));
      const x0 = own(trace.expected.x0_float64?.[i]);
      if (x0) expect(largestDifference(result.x0, x0), `x0 of sample ${b} at step ${i}`).toBeLessThan(traceBound(x0));
      x = result.x;
      past.push(result.x0);
    });
  }
}

describe('schedules reproduce the recorded schedulers of diffusers', () => {
  it('all of them', () => expect(TRACES).toHaveLength(95));

  it.each(TRACES.filter(({ name }) => name !== REFUSED))('$name', expectTrace);

  it(`but ${REFUSED}, which is refused`, () => {
    const trace = TRACES.find(({ name }) => name === REFUSED) as Trace;
    expect(() => traceSchedule(trace)).toThrow(OptionError);
    expect(() => traceSchedule(trace)).toThrow('algorithmType must be dpmsolver++ or sde-dpmsolver++, found dpmsolver');
  });
});

describe('options that cannot work say so', () => {
  const trace = (name: string): Trace => TRACES.find((other) => other.name === name) as Trace;
  const changed = (name: string, config: object, steps?: number): (() => unknown) => {
    const base = trace(name);
    return () => traceSchedule({ ...base, steps: steps ?? base.steps, config: { ...base.config, ...config } });
  };

  it('an offset that leads beyond the last level', () => {
    expect(changed('ddim-offset-1', { steps_offset: 25 })).toThrow('stepsOffset must be an integer from 0 to 24');
    expect(changed('ddpm-offset-1', {}, 100)).toThrow('stepsOffset must be an integer from 0 to 0');
    expect(changed('dpm-leading-4', { steps_offset: 21 })).toThrow('stepsOffset must be an integer from 0 to 19');
    expect(changed('ddim-offset-1', { steps_offset: -1 })).toThrow(OptionError);
  });

  it('predicted noise at a level of pure noise', () => {
    expect(changed('ddim-zero-snr-v-trailing', { prediction_type: 'epsilon' })).toThrow('timestep 99 is pure noise');
  });

  it('a third order of the SDE form, and an order that there is not', () => {
    expect(changed('dpm-sde++-4', { solver_order: 3 })).toThrow('solverOrder must be 1 or 2 for sde-dpmsolver++, found 3');
    expect(changed('dpm-4', { solver_order: 4 })).toThrow('solverOrder must be 1, 2 or 3, found 4');
  });

  it('a variance that the network would have to predict', () => {
    expect(changed('ddpm-4', { variance_type: 'learned' })).toThrow('varianceType must be one of fixed_small');
  });

  it.each([
    [2, 1],
    [0.9, 0],
    [NaN, 1],
    [0.9, Infinity],
  ])('thresholding with quantile %s and largest value %s', (dynamic_thresholding_ratio, sample_max_value) => {
    expect(changed('ddim-threshold-0.9-1.5', { dynamic_thresholding_ratio, sample_max_value })).toThrow(/thresholding needs a quantile/);
  });
});

it('a rescaled noise schedule keeps its first level and ends at pure noise', () => {
  const base = { numTrainTimesteps: 100, betaSchedule: 'linear', betaStart: 1e-3, betaEnd: 0.2 } as const;
  for (const arithmetic of ['exact', 'pytorch'] as const) {
    const [plain, rescaled] = [false, true].map((rescaleBetasZeroSnr) => alphasCumprod({ ...base, rescaleBetasZeroSnr }, arithmetic));
    expect(rescaled![0]).toBeCloseTo(plain![0]!, 6);
    expect(rescaled![99]).toBe(0);
  }
});
