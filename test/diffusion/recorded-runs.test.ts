import { describe, expect, it } from 'vitest';
import { ddimSchedule } from '../../src/diffusion/ddim.js';
import { ddpmSchedule } from '../../src/diffusion/ddpm.js';
import { dpmSolverSchedule } from '../../src/diffusion/dpm-solver.js';
import type { Schedule } from '../../src/diffusion/solver-step.js';
import { isStalled } from '../../src/diffusion/stall.js';
import { stalledStart, warmStart } from '../../src/diffusion/warm-start.js';
import { applySolverStep } from '../support/apply-solver-step.js';
import type { Tensors } from '../support/recorded-case.js';
import { floats, integers, readPolicyConfig, readStepCase, readTensors, relativeError, solverOptions } from '../support/recorded-case.js';
import { at, timestepsOf } from '../support/toy.js';

// The recorded runs hold the network's output and the sample of every step. Feeding those outputs through a schedule
// tests solver and coefficients alone, without a network.

function expectRecordedRun(schedule: Schedule, tensors: Tensors): void {
  expect(timestepsOf(schedule)).toEqual(integers(tensors, 'expected.timesteps'));
  let sample = Float64Array.from(floats(tensors, 'input.noise'));
  const x0 = new Float64Array(sample.length);
  schedule.steps.forEach((step, i) => {
    const output = floats(tensors, `expected.model_output.${i}`);
    const noise = step.fromNoise === 0 ? new Float32Array(sample.length) : floats(tensors, `input.variance_noise.${i}`);
    sample = sample.map((x, j) => {
      const updated = applySolverStep(step, x, at(output, j), at(x0, j), at(noise, j));
      x0[j] = updated.x0;
      return updated.x;
    });
    const expected = floats(tensors, `expected.sample.${i}`);
    expect(relativeError(sample, expected), `relative error after step ${i}`).toBeLessThan(5e-6);
  });
}

describe('schedules reproduce the recorded runs of diffusers', () => {
  it.each([
    ['state-ddim2', 2],
    ['state-bias-film', 4],
    ['state-dialect-a', 5],
  ] as const)('DDIM: %s', (name, steps) => {
    expectRecordedRun(ddimSchedule({ ...solverOptions(name), steps }), readTensors(name));
  });

  it('DDPM with its noise: state-ddpm10', () => {
    expectRecordedRun(ddpmSchedule({ ...solverOptions('state-ddpm10'), steps: 10 }), readTensors('state-ddpm10'));
  });

  it('DPM-Solver++ with sample prediction: state-dpmsolver4', () => {
    const options = { ...solverOptions('state-dpmsolver4'), clip: null, steps: 4 };
    expectRecordedRun(dpmSolverSchedule(options), readTensors('state-dpmsolver4'));
  });
});

describe('warm starts reproduce the recorded STEP episodes', () => {
  it.each(['step-forward-noise', 'step-eq13-stall'])('%s', (name) => {
    const { budget, decisions, start, stall } = readStepCase(name);
    const tensors = readTensors(name);
    const noise = floats(tensors, 'ticks.input.noise');
    const rule =
      start === 'forward_noise'
        ? ({ mode: 'forward-noise' } as const)
        : ({ mode: 'eq13', sigma: start.sigma, sigmaT: start.sigma_t } as const);
    const { n_obs_steps, n_action_steps } = readPolicyConfig(name);
    const chunk = (i: number) => floats(tensors, `expected.chunk.${i}`);
    const layout = { actionDim: chunk(0).length / 16, firstRow: n_obs_steps - 1, rows: n_action_steps };

    for (let i = 1; i < decisions; i++) {
      const stalled = stall !== null && i >= 2 && isStalled(stall, chunk(i - 1), chunk(i - 2), layout);
      expect(Number(stalled), `decision ${i}`).toBe(integers(tensors, 'expected.stalled')[i]);
      const options = solverOptions(name);
      const { predictionScale, noiseScale } = stalled
        ? stalledStart({ sigmaScale: stall.sigma_scale, sigmaStall: stall.sigma_stall }, budget, options)
        : warmStart(rule, budget, options);
      const size = chunk(0).length;
      const found = floats(tensors, `expected.prediction.${i}`).map(
        (value, j) => predictionScale * value + noiseScale * at(noise, i * size + j),
      );
      expect(relativeError(found, floats(tensors, `expected.start.${i}`)), `start ${i}`).toBeLessThan(1e-6);
    }
  });
});
