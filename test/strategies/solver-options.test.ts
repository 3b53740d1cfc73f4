import { describe, expect, it } from 'vitest';
import { OptionError } from '../../src/foundation/errors.js';
import type { SchedulerConfig } from '../../src/spec/policy-spec.js';
import { createStrategy } from '../../src/strategies/index.js';
import type { StrategyOptions } from '../../src/strategies/strategy-options.js';
import { readTraces, traceSchedule } from '../support/scheduler-traces.js';
import { timestepsOf } from '../support/toy.js';
import { TOY_CONTEXT } from '../support/toy-episode.js';

// What a checkpoint says of its scheduler, and what a program asks for, ends in the schedule that diffusers would run.

const TRACES = readTraces();

function scheduleOf(options: StrategyOptions, scheduler: Partial<SchedulerConfig> = {}) {
  return createStrategy(options, { ...TOY_CONTEXT, scheduler: { ...TOY_CONTEXT.scheduler, ...scheduler } }).usual;
}

function recorded(name: string) {
  const trace = TRACES.find((other) => other.name === name);
  if (!trace) throw new Error(`no trace ${name}`);
  return traceSchedule(trace);
}

describe('what the checkpoint says', () => {
  it.each<[string, StrategyOptions, Partial<SchedulerConfig>]>([
    ['ddim-v_prediction-2', { name: 'DDIM', steps: 2 }, { predictionType: 'v_prediction' }],
    ['ddim-trailing-4', { name: 'DDIM', steps: 4 }, { timestepSpacing: 'trailing' }],
    ['ddim-linspace-8', { name: 'DDIM', steps: 8 }, { timestepSpacing: 'linspace' }],
    ['ddim-offset-1', { name: 'DDIM', steps: 4 }, { stepsOffset: 1 }],
    ['ddim-alpha-not-one-4', { name: 'DDIM', steps: 4 }, { setAlphaToOne: false }],
    ['ddim-threshold-and-clip', { name: 'DDIM', steps: 4 }, { thresholding: { quantile: 0.9, most: 1.5 } }],
    ['ddpm-4-sigmoid', { name: 'DDPM', steps: 4 }, { type: 'DDPM', betaSchedule: 'sigmoid' }],
    ['ddpm-fixed_large', { name: 'DDPM', steps: 4 }, { type: 'DDPM', varianceType: 'fixed_large' }],
    ['ddpm-v_prediction-4', { name: 'DDPM', steps: 4 }, { predictionType: 'v_prediction' }],
    // A clamp is nothing to DPM-Solver++, thresholding is.
    ['dpm-threshold-4', { name: 'DPM-Solver++', steps: 4 }, { thresholding: { quantile: 0.995, most: 1 } }],
    ['dpm-trailing-4', { name: 'DPM-Solver++', steps: 4 }, { timestepSpacing: 'trailing' }],
    ['dpm-4', { name: 'DPM-Solver++', steps: 4 }, {}],
    [
      'ddim-zero-snr-v-trailing',
      { name: 'DDIM', steps: 4 },
      {
        betaSchedule: 'linear',
        betaStart: 1e-3,
        betaEnd: 0.2,
        predictionType: 'v_prediction',
        clipSample: false,
        timestepSpacing: 'trailing',
        rescaleBetasZeroSnr: true,
      },
    ],
  ])('%s', (name, options, scheduler) => {
    expect(scheduleOf(options, scheduler)).toEqual(recorded(name));
  });
});

describe('what a program asks for', () => {
  it.each<[string, StrategyOptions]>([
    ['ddim-reclipped', { name: 'DDIM', steps: 4, useClippedModelOutput: true }],
    ['ddim-threshold-0.9-1.5', { name: 'DDIM', steps: 4, clip: { quantile: 0.9, most: 1.5 } }],
    ['ddim-offset-1', { name: 'DDIM', steps: 4, stepsOffset: 1 }],
    ['ddpm-fixed_small_log', { name: 'DDPM', steps: 4, varianceType: 'fixed_small_log' }],
    ['dpm-order1-8', { name: 'DPM-Solver++', steps: 8, solverOrder: 1 }],
    ['dpm-sigma-min-euler-final-16', { name: 'DPM-Solver++', steps: 16, finalSigma: 'sigma-min', eulerAtFinal: true }],
    ['dpm-no-lower-final-sigma-min-4', { name: 'DPM-Solver++', steps: 4, finalSigma: 'sigma-min', lowerOrderFinal: false }],
    ['dpm-lambda-clip-4', { name: 'DPM-Solver++', steps: 4, lambdaMinClipped: -5.1 }],
  ])('%s', (name, options) => {
    expect(scheduleOf(options)).toEqual(recorded(name));
  });

  it.each<[string, StrategyOptions]>([
    ['dpm-order3-8', { name: 'DPM-Solver++', steps: 8, solverOrder: 3 }],
    ['dpm-karras-8', { name: 'DPM-Solver++', steps: 8, useKarrasSigmas: true }],
    ['dpm-sde++-4', { name: 'DPM-Solver++', steps: 4, algorithmType: 'sde-dpmsolver++' }],
  ])('%s, of a policy that predicts the sample', (name, options) => {
    expect(scheduleOf(options, { predictionType: 'sample' })).toEqual(recorded(name));
  });

  it('comes before what the checkpoint says', () => {
    const scheduler = { timestepSpacing: 'trailing', thresholding: { quantile: 0.9, most: 2 } } as const;
    expect(scheduleOf({ name: 'DDIM', steps: 4, timestepSpacing: 'leading', clip: 1 }, scheduler)).toEqual(recorded('ddim-leading-4'));
  });

  it('names the nearest timestep at levels of Karras, but for the cosine schedule', () => {
    const karras = { name: 'DPM-Solver++', steps: 8, useKarrasSigmas: true } as const;
    const linear = timestepsOf(scheduleOf(karras, { betaSchedule: 'linear', betaStart: 1e-3, betaEnd: 0.2 }));
    expect([linear[0], linear[7]]).toEqual([99, 0]);
    expect(linear.every((t, i) => i === 0 || t < (linear[i - 1] ?? 0))).toBe(true);
    for (let steps = 1; steps <= 100; steps++) expect(timestepsOf(scheduleOf({ ...karras, steps }))[0]).toBe(99);
  });

  it.each<[StrategyOptions, RegExp]>([
    [{ name: 'DDIM', clip: { quantile: 2, most: 1 } }, /clip: quantile must be a number from 0 to 1, found 2/],
    [{ name: 'DDIM', clip: { quantile: 0.9, most: 0 } }, /clip: most must be a finite number above 0, found 0/],
    [{ name: 'DDIM', clip: { quantil: 0.9, most: 1 } as never }, /clip: unknown option "quantil"/],
    [{ name: 'DPM-Solver++', solverOrder: 4 }, /solverOrder must be an integer from 1 to 3, found 4/],
    [
      { name: 'DPM-Solver++', algorithmType: 'dpmsolver' as never },
      /algorithmType must be one of dpmsolver\+\+, sde-dpmsolver\+\+, found dpmsolver/,
    ],
    [{ name: 'DPM-Solver++', algorithmType: 'sde-dpmsolver++', solverOrder: 3 }, /solverOrder must be 1 or 2 for sde-dpmsolver\+\+/],
    [{ name: 'DDPM', varianceType: 'learned' as never }, /varianceType must be one of fixed_small/],
    [{ name: 'DDIM', steps: 100, stepsOffset: 1 }, /stepsOffset must be an integer from 0 to 0/],
  ])('%o is refused', (options, message) => {
    expect(() => scheduleOf(options)).toThrow(OptionError);
    expect(() => scheduleOf(options)).toThrow(message);
  });
});
