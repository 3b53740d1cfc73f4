import { describe, expect, it } from 'vitest';
import { type Contraction, type ContractionOptions, type ContractionStart, measureContraction } from '../../src/analysis/contraction.js';
import { startNoise, stepNoise } from '../../src/analysis/perturbation.js';
import { ddimSchedule } from '../../src/diffusion/ddim.js';
import { ddpmSchedule } from '../../src/diffusion/ddpm.js';
import { dpmSolverSchedule } from '../../src/diffusion/dpm-solver.js';
import type { Schedule, SolverStep } from '../../src/diffusion/solver-step.js';
import { OptionError } from '../../src/foundation/errors.js';
import { loadPolicy } from '../../src/policy/load-policy.js';
import type { Policy } from '../../src/policy/policy.js';
import { applySolverStep } from '../support/apply-solver-step.js';
import { ChangedCheckpoint } from '../support/changed-checkpoint.js';
import { useTestDevice } from '../support/device.js';
import { loadGolden, window } from '../support/golden-policy.js';
import { solverOptions } from '../support/recorded-case.js';
import { type Denoiser, EPSILON, gaussianDenoiser, toy } from '../support/toy.js';

type Denoising = Pick<Policy, 'denoise'>;

/** A policy whose mean maps are given: the k-th value of a chunk does not depend on the others. */
function elementwise(map: (x: number, step: SolverStep, k: number) => number): Denoising {
  return {
    denoise: async (requests) =>
      requests.map(({ sample, schedule: { steps } }) => {
        const chunk = sample.map((x, k) => steps.reduce((value, step) => map(value, step, k), x));
        return { normalizedChunk: chunk, chunk, trace: [] };
      }),
  };
}

function denoising(denoiser: Denoiser): Denoising {
  return elementwise((x, step) => applySolverStep(step, x, denoiser(x, step.timestep), 0, 0).x);
}

/** Derivative of a step's mean at x. */
function derivative(step: SolverStep, denoiser: Denoiser, x = 0.1): number {
  const mean = (value: number): number => applySolverStep(step, value, denoiser(value, step.timestep), 0, 0).x;
  return Math.abs(mean(x + 1e-5) - mean(x - 1e-5)) / 2e-5;
}

function starts(size: number, count = 2): ContractionStart[] {
  return Array.from({ length: count }, (_, start) => ({ window: {}, sample: startNoise(size, { seed: 5, start }) }));
}

function spreadAt({ steps }: Contraction, k: number, delta = 0): Contraction['steps'][number]['spreads'][number] {
  return steps[k]!.spreads[delta]!;
}

describe('the contraction of a toy denoiser, whose derivative is known', () => {
  it.each<[string, Schedule]>([
    ['DDPM 100', ddpmSchedule({ ...EPSILON, steps: 100 })],
    ['DDIM 10', ddimSchedule({ ...EPSILON, steps: 10 })],
    ['DDIM 4 with noise', ddimSchedule({ ...EPSILON, steps: 4, eta: 0.5 })],
  ])('%s: every step has its derivative as ratio, in all directions', async (_, schedule) => {
    const found = await measureContraction(denoising(toy), starts(32), { schedule });
    expect(found.steps.map(({ timestep }) => timestep)).toEqual(schedule.steps.map(({ timestep }) => timestep));
    for (const [k, step] of schedule.steps.entries()) {
      // Above, x0 stays away from the clamp and the toy is linear; below, the clamp cuts some of the displaced samples.
      if (step.timestep < 5) continue;
      for (const { fresh } of found.steps[k]!.spreads) {
        expect(fresh.count).toBe(2 * 16);
        expect(fresh.min).toBeCloseTo(derivative(step, toy), 3);
        expect(fresh.max).toBeCloseTo(derivative(step, toy), 3);
      }
    }
  });

  it("the steps' ratios multiply to what becomes of a displaced start", async () => {
    const schedule = ddimSchedule({ ...EPSILON, clip: null, steps: 4 });
    const { endToEnd } = await measureContraction(denoising(toy), starts(8), { schedule, deltas: [0.1] });
    const expected = schedule.steps.reduce((product, step) => product * derivative(step, toy), 1);
    expect(endToEnd).toHaveLength(1);
    const [{ productOfMeans, productOfMaxima, measured, roundingFloor }] = endToEnd as [Contraction['endToEnd'][number]];
    for (const value of [productOfMeans, productOfMaxima, measured.min, measured.max]) {
      expect(value / expected).toBeCloseTo(1, 3);
    }
    expect(roundingFloor).toBeCloseTo(1e-6, 12);
  });

  it('a network that expands is reported as it is', async () => {
    // The noise it finds has the wrong sign: every step moves samples away from each other.
    const wrong: Denoiser = (x, timestep) => -gaussianDenoiser(0, 0.2)(x, timestep);
    const schedule = ddimSchedule({ ...EPSILON, clip: null, steps: 3 });
    const found = await measureContraction(denoising(wrong), starts(8), { schedule });
    for (const [k, step] of schedule.steps.entries()) {
      const { fresh } = spreadAt(found, k);
      expect(derivative(step, wrong)).toBeGreaterThan(1);
      expect(fresh.mean).toBeCloseTo(derivative(step, wrong), 2);
      expect(fresh.shareAbove1).toBe(1);
    }
    expect(found.endToEnd[0]!.measured.shareAbove1).toBe(1);
  });
});

describe('directions', () => {
  const schedule = ddimSchedule({ ...EPSILON, steps: 4 });
  /** Of 32 values, one expands; random directions have little of it. */
  const oneExpands = elementwise((x, _, k) => (k === 0 ? 1.2 : 0.3) * x);

  it('random ones miss the largest ratio, what is carried through the steps turns to it', async () => {
    const found = await measureContraction(oneExpands, starts(32, 1), { schedule, deltas: [0.1] });
    for (const k of schedule.steps.keys()) expect(spreadAt(found, k).fresh.max).toBeLessThan(0.8);
    expect(spreadAt(found, 0).carried).toEqual(spreadAt(found, 0).fresh);
    expect(spreadAt(found, 3).carried!.max).toBeGreaterThan(1);
    expect(spreadAt(found, 3).carried!.shareAbove1).toBeGreaterThan(0.5);
    const [end] = found.endToEnd;
    expect(end!.productOfMaxima).toBeCloseTo(
      [0, 1, 2, 3].reduce((product, k) => product * spreadAt(found, k).fresh.max, 1),
      10,
    );
    expect(end!.productOfMeans).toBeLessThan(0.9 * end!.productOfMaxima);
    expect(end!.measured.max).toBeGreaterThan(end!.productOfMaxima);
  });

  it('what has shrunk to the size of rounding is left out', async () => {
    const found = await measureContraction(
      elementwise((x) => 0.05 * x),
      starts(8, 1),
      { schedule },
    );
    expect(schedule.steps.map((_, k) => spreadAt(found, k, 0).carried?.count ?? null)).toEqual([16, 16, null, null]);
    expect(schedule.steps.map((_, k) => spreadAt(found, k, 1).carried?.count ?? null)).toEqual([16, 16, 16, 16]);
  });

  it('follow from the seed, and are as many as asked for', async () => {
    const measure = (options: Partial<ContractionOptions>): Promise<Contraction> =>
      measureContraction(oneExpands, starts(32), { schedule, directions: 3, deltas: [0.01], ...options });
    const first = await measure({ seed: 1 });
    expect(spreadAt(first, 0).fresh.count).toBe(2 * 3);
    expect(await measure({ seed: 1 })).toEqual(first);
    expect(spreadAt(await measure({ seed: 2 }), 0).fresh.mean).not.toBe(spreadAt(first, 0).fresh.mean);
    expect(JSON.parse(JSON.stringify(first))).toEqual(first);
  });
});

describe('what it refuses', () => {
  const schedule = ddimSchedule({ ...EPSILON, steps: 2 });
  const multistep = dpmSolverSchedule({ ...EPSILON, clip: null, steps: 4 });

  it.each<[string, readonly ContractionStart[], ContractionOptions, RegExp]>([
    ['a multistep solver', starts(4), { schedule: multistep }, /found steps of DPM-Solver\+\+ .* use DDPM or DDIM/],
    [
      'a delta of the size of rounding',
      starts(4),
      { schedule, deltas: [1e-3, 1e-6] },
      /numbers from 0.00001, below which rounding would be measured, found 0.000001/,
    ],
    ['no delta', starts(4), { schedule, deltas: [] }, /at least one start and one delta are needed, found 2 and 0/],
    ['no start', [], { schedule }, /at least one start and one delta are needed, found 0 and 2/],
    ['no direction', starts(4), { schedule, directions: 0 }, /directions must be an integer from 1/],
  ])('%s', async (_, from, options, message) => {
    const measured = measureContraction(denoising(toy), from, options);
    await expect(measured).rejects.toThrow(OptionError);
    await expect(measured).rejects.toThrow(message);
  });

  it('ends when it is aborted, and tells how far it is before that', async () => {
    const controller = new AbortController();
    const told: (readonly [number, number])[] = [];
    const onStep = (done: number, total: number): void => {
      told.push([done, total]);
      if (done === 3) controller.abort(new Error('enough'));
    };
    await expect(measureContraction(denoising(toy), starts(4, 3), { schedule, signal: controller.signal, onStep })).rejects.toThrow(
      'enough',
    );
    expect(told).toEqual([
      [1, 6],
      [2, 6],
      [3, 6],
    ]);
  });
});

describe('the contraction of a policy on the device', () => {
  const device = useTestDevice();

  it.each<[string, (steps: number) => Schedule]>([
    ['DDPM', (steps) => ddpmSchedule({ ...solverOptions('state-ddpm10'), clip: null, steps })],
    ['DDIM', (steps) => ddimSchedule({ ...solverOptions('state-ddpm10'), clip: null, steps })],
  ])("%s: a network that says 0 leaves the step's own coefficient", async (_, scheduleOf) => {
    const silent = await new ChangedCheckpoint('state-ddpm10').tensors((tensors) =>
      tensors.map((tensor) =>
        tensor.name.includes('final_conv.1.') ? { ...tensor, data: new Uint8Array((tensor.data as Uint8Array).length) } : tensor,
      ),
    );
    const policy = await loadPolicy(silent.source, { device: device() });
    const schedule = scheduleOf(3);
    const sample = startNoise(policy.info.horizon * policy.info.actionDim, { seed: 0, start: 0 });
    const found = await measureContraction(policy, [{ window: window(policy), sample }], { schedule, directions: 4 });
    for (const [k, step] of schedule.steps.entries()) {
      // The network's output is 0, so the noise is 0 and x0 is the sample by its scale.
      const coefficient = step.fromX0 * step.x0FromSample + step.fromSample;
      for (const { fresh } of found.steps[k]!.spreads) {
        expect(fresh.min / coefficient).toBeCloseTo(1, 3);
        expect(fresh.max / coefficient).toBeCloseTo(1, 3);
      }
    }
    await policy.dispose();
  });

  it('is measured at the samples that the solver itself passes through', async () => {
    const policy = await loadGolden(device(), 'state-ddpm10');
    const schedule = ddpmSchedule({ ...solverOptions('state-ddpm10'), steps: 4 });
    const key = { seed: 3, start: 0 };
    const sample = startNoise(policy.info.horizon * policy.info.actionDim, key);
    const centres: Float32Array[] = [];
    const recording: Denoising = {
      denoise: (requests) => {
        centres.push(requests[0]!.sample);
        return policy.denoise(requests);
      },
    };
    await measureContraction(recording, [{ window: window(policy), sample }], { schedule, seed: 3, directions: 1 });
    const noise = Array.from({ length: schedule.noisySteps }, (_, step) => stepNoise(sample.length, step, key));
    const [run] = await policy.denoise([{ window: window(policy), sample, schedule, stepNoise: noise, trace: true }]);
    const path = [sample, ...run!.trace.slice(0, -1)];
    expect(centres).toHaveLength(path.length);
    for (const [k, expected] of path.entries()) {
      for (const [i, value] of expected.entries()) expect(Math.abs(centres[k]![i]! - value)).toBeLessThan(1e-5);
    }
    await policy.dispose();
  });
});
