import { describe, expect, it } from 'vitest';
import { ddimSchedule } from '../../src/diffusion/ddim.js';
import { ddpmSchedule } from '../../src/diffusion/ddpm.js';
import { type DpmSolverOptions, dpmSolverSchedule } from '../../src/diffusion/dpm-solver.js';
import { posteriorMeanSchedule, resumeSchedule } from '../../src/diffusion/resume.js';
import type { Schedule } from '../../src/diffusion/solver-step.js';
import { OptionError } from '../../src/foundation/errors.js';
import { applySolverStep } from '../support/apply-solver-step.js';
import { at, EPSILON, EXACT, run, timestepsOf, toy } from '../support/toy.js';

const INDICES = Array.from({ length: 8 }, (_, index) => index);

function dpm(steps: number, options: Partial<DpmSolverOptions> = {}): Schedule {
  return dpmSolverSchedule({ ...EPSILON, clip: null, steps, ...options });
}

function stepOf(schedule: Schedule, index: number): Schedule['steps'][number] {
  const step = schedule.steps[index];
  if (step === undefined) throw new Error(`no step ${index}`);
  return step;
}

describe('a resumed schedule', () => {
  it('of one-step solvers is the rest of the whole one, and draws the noise of that rest', () => {
    const schedules = [
      ddimSchedule({ ...EPSILON, steps: 8 }),
      ddimSchedule({ ...EPSILON, steps: 8, eta: 1 }),
      ddpmSchedule({ ...EPSILON, steps: 8 }),
    ];
    for (const full of schedules) {
      for (const first of INDICES) {
        const rest = resumeSchedule(full, first);
        expect(rest.steps).toEqual(full.steps.slice(first));
        expect(rest.noisySteps).toBe(Math.max(0, full.noisySteps - first));
        expect(rest.solver).toBe(full.solver);
      }
    }
  });

  it('takes a sample of the whole run to the same end', () => {
    const full = ddimSchedule({ ...EPSILON, steps: 8 });
    const { result, trace } = run(full, 1.3);
    for (const first of [1, 4, 7]) expect(run(resumeSchedule(full, first), at(trace, first - 1).x).result).toBe(result);
  });
});

describe('a resumed multistep schedule', () => {
  const forms: Partial<DpmSolverOptions>[] = [{}, { solverType: 'heun' }, { finalSigma: 'sigma-min' }];

  it.each(forms)('%o: takes its first step with first order, and leaves the others as they are', (options) => {
    const full = dpm(8, options);
    expect(full.steps.filter((step) => step.fromPreviousX0 !== 0)).toHaveLength(6);
    for (const first of INDICES) {
      const rest = resumeSchedule(full, first);
      expect(timestepsOf(rest)).toEqual(timestepsOf(full).slice(first));
      expect(rest.steps.slice(1)).toEqual(full.steps.slice(first + 1));
      // The first-order update is DDIM's: x' = (b'/b) x + (a' − a b'/b) x0, of a = √ā and b = √(1−ā) at both levels.
      const step = stepOf(rest, 0);
      const [a, b] = levelOf(step.timestep);
      const [nextA, nextB] = first < 7 ? levelOf(stepOf(full, first + 1).timestep) : options.finalSigma ? levelOf(0) : [1, 0];
      expect(step.fromPreviousX0).toBe(0);
      expect(step.fromSample).toBeCloseTo(nextB / b, 12);
      expect(step.fromX0).toBeCloseTo(nextA - (a * nextB) / b, 12);
    }
  });

  it('is what a step makes of a previous x0 that equals its own', () => {
    const full = dpm(8);
    for (const first of INDICES) {
      const output = toy(0.7, stepOf(full, first).timestep);
      const resumed = applySolverStep(stepOf(resumeSchedule(full, first), 0), 0.7, output, 123, 0);
      expect(applySolverStep(stepOf(full, first), 0.7, output, resumed.x0, 0).x).toBeCloseTo(resumed.x, 12);
    }
  });

  it('has the recorded steps in λ', () => {
    // A first-order step is a' (1 − e^{−h}) x0 + …, so that h follows from its coefficient.
    const steps = [
      [0, 74, 6.7252702651],
      [1, 50, 0.8466275188],
      [2, 25, 0.8564968194],
    ] as const;
    for (const [first, next, expected] of steps) {
      const { fromX0 } = stepOf(resumeSchedule(dpm(4), first), 0);
      expect(-Math.log1p(-fromX0 / levelOf(next)[0])).toBeCloseTo(expected, 9);
    }
  });

  it('does not change the schedule that it is made from', () => {
    const full = dpm(8);
    const copy = structuredClone(full);
    INDICES.forEach((first) => resumeSchedule(full, first));
    expect(full).toEqual(copy);
  });
});

it.each([8, -1, 0.5, NaN])('a schedule of 8 steps cannot be resumed at step %d', (first) => {
  const resume = (): Schedule => resumeSchedule(ddimSchedule({ ...EPSILON, steps: 8 }), first);
  expect(resume).toThrow(OptionError);
  expect(resume).toThrow(new RegExp(`steps 0 to 7, found ${first}`));
});

describe('the posterior mean', () => {
  it('is x0 of the sample, in one evaluation without noise, whatever the solver', () => {
    for (const solver of ['DDIM', 'DDPM', 'DPM-Solver++'] as const) {
      for (const timestep of [0, 50, 99]) {
        const schedule = posteriorMeanSchedule(solver, EPSILON, timestep);
        const [signal, noise] = levelOf(timestep);
        const x = 0.8 * signal - 0.3 * noise;
        // Of data N(0.3, 0.2²), the mean given x: a weighted mean of the data's and of what x says.
        const weight = 0.04 * signal ** 2 + noise ** 2;
        expect(run(schedule, x).result).toBeCloseTo((0.04 * signal * x + noise ** 2 * 0.3) / weight, 9);
        expect([schedule.solver, timestepsOf(schedule), schedule.noisySteps]).toEqual([solver, [timestep], 0]);
      }
    }
  });

  it('is clamped as the solver clamps', () => {
    expect(run(posteriorMeanSchedule('DDIM', EPSILON, 0), 3).result).toBe(1);
    expect(run(posteriorMeanSchedule('DDIM', { ...EPSILON, clip: null }, 0), 3).result).toBeGreaterThan(2);
  });

  it('of a network that predicts the clean chunk is its output', () => {
    expect(run(posteriorMeanSchedule('DDIM', { ...EPSILON, predictionType: 'sample' }, 50), 0.9, () => 0.4).result).toBe(0.4);
  });

  it('needs a timestep of the noise schedule', () => {
    for (const timestep of [-1, 100, 1.5]) expect(() => posteriorMeanSchedule('DDIM', EPSILON, timestep)).toThrow(OptionError);
  });
});

/** √ā and √(1−ā). */
function levelOf(timestep: number): [number, number] {
  const alphaBar = at(EXACT, timestep);
  return [Math.sqrt(alphaBar), Math.sqrt(1 - alphaBar)];
}
