import { describe, expect, it } from 'vitest';
import { ddpmSchedule } from '../../src/diffusion/ddpm.js';
import { OptionError } from '../../src/foundation/errors.js';
import { applySolverStep } from '../support/apply-solver-step.js';
import { at, EPSILON, linearForm, run, timestepsOf, toy } from '../support/toy.js';

const full = ddpmSchedule({ ...EPSILON, steps: 100 });

function stepAt(timestep: number) {
  const step = full.steps[99 - timestep];
  if (step === undefined) throw new Error(`no step at ${timestep}`);
  expect(step.timestep).toBe(timestep);
  return step;
}

describe('the full run of 100 steps', () => {
  it.each([
    [99, 0.015568297083, 0.03161510446, 0.999378621],
    [98, 0.023376762496, 0.499696415333, 0.8656748466],
    [50, 0.04249065289, 0.954715307524, 0.1749410453],
    [10, 0.163825574252, 0.836154805479, 0.0680961481],
    [1, 0.638956099124, 0.361043812661, 0.0200870258],
  ])('has the posterior’s coefficients at timestep %i', (t, fromX0, fromSample, fromNoise) => {
    expect(stepAt(t).fromX0).toBeCloseTo(fromX0, 11);
    expect(stepAt(t).fromSample).toBeCloseTo(fromSample, 11);
    expect(stepAt(t).fromNoise).toBeCloseTo(fromNoise, 9);
  });

  it('ends with exactly x0, without noise', () => {
    expect(stepAt(0)).toMatchObject({ fromX0: 1, fromSample: 0, fromEps: 0, fromNoise: 0, fromPreviousX0: 0 });
    expect(full.noisySteps).toBe(99);
  });

  it('is the paper’s update where nothing is clamped', () => {
    expect(linearForm(full, 0)).toEqual({ sample: expect.closeTo(31.62278, 5), output: expect.closeTo(-31.59116, 5) });
  });

  it.each([
    [1, 0.300019709309],
    [-0.5, 0.299990140974],
    [2, 0.300039421532],
  ])('takes %d to the toy distribution’s mean when all noise is zero', (start, expected) =>
    expect(run(full, start).result).toBeCloseTo(expected, 10),
  );

  it.each([
    [50, 1, 0.49074057309, 0.665681618387],
    [99, 1, 0.020478194752, 1.019856815789],
    [1, -1, 0.494909551021, 0.47482252523],
    [0, 1, 0.497046140701, 0.497046140701],
  ])('takes x = 0.5 at timestep %i with noise %d to the recorded value', (t, z, mean, out) => {
    expect(applySolverStep(stepAt(t), 0.5, toy(0.5, t), 0, 0).x).toBeCloseTo(mean, 10);
    expect(applySolverStep(stepAt(t), 0.5, toy(0.5, t), 0, z).x).toBeCloseTo(out, 10);
  });
});

describe('fewer steps', () => {
  it('lead to the next visited timestep, not to t − 1', () => {
    const ten = ddpmSchedule({ ...EPSILON, steps: 10 });
    expect(timestepsOf(ten)).toEqual([90, 80, 70, 60, 50, 40, 30, 20, 10, 0]);
    expect(ten.noisySteps).toBe(9);
    // The posterior of a chain that only knows timesteps 10 and 0: ā_10 and ā_0 fix it.
    const [from, to] = [at(EPSILON.alphasCumprod, 10), at(EPSILON.alphasCumprod, 0)];
    expect(ten.steps[8]?.fromX0).toBeCloseTo((Math.sqrt(to) * (1 - from / to)) / (1 - from), 12);
  });

  it('keep a vanishing noise where the last timestep is not 0', () => {
    const trailing = ddpmSchedule({ ...EPSILON, steps: 10, timestepSpacing: 'trailing' });
    expect(trailing.steps[9]).toMatchObject({ timestep: 9, fromX0: 1, fromSample: 0, fromNoise: 1e-10 });
  });

  it('number exactly K when K does not divide N', () => {
    expect(timestepsOf(ddpmSchedule({ ...EPSILON, steps: 8 }))).toEqual([84, 72, 60, 48, 36, 24, 12, 0]);
    expect(timestepsOf(ddpmSchedule({ ...EPSILON, steps: 3 }))).toEqual([66, 33, 0]);
  });
});

describe('a chosen list of timesteps with adjacent predecessors (RTI-DP)', () => {
  const squareClip = [25, 20, 17, 15, 12, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0];
  it.each([
    [0.5, [2, 1, 0], 0.4852807288],
    [-0.2, [2, 1, 0], -0.1615763908],
    [0.5, squareClip, 0.3797125728],
  ])('takes %d through %j to the recorded value', (start, timesteps, expected) => {
    const schedule = ddpmSchedule({ ...EPSILON, steps: timesteps.length, timesteps, predecessor: 'adjacent' });
    expect(run(schedule, start).result).toBeCloseTo(expected, 9);
  });

  it('must be strictly descending levels of the schedule, `steps` of them', () => {
    for (const timesteps of [
      [0, 1],
      [2, 2],
      [100, 0],
      [1.5, 0],
      [2, 1, 0],
      [1, -1],
    ]) {
      expect(() => ddpmSchedule({ ...EPSILON, steps: 2, timesteps })).toThrow(OptionError);
    }
  });
});
