import { describe, expect, it } from 'vitest';
import { ddimSchedule } from '../../src/diffusion/ddim.js';
import { ddpmSchedule } from '../../src/diffusion/ddpm.js';
import { dpmSolverSchedule } from '../../src/diffusion/dpm-solver.js';
import { alphasCumprod } from '../../src/diffusion/noise-schedule.js';
import type { Schedule } from '../../src/diffusion/solver-step.js';
import { conditionalMean, posteriorMean } from '../../src/mixture/mixture.js';
import { Scaling } from '../../src/mixture/scaling.js';
import { type SolverState, solverStep } from '../../src/mixture/solver.js';
import { applyToSample } from '../support/apply-solver-step.js';

/** E[x0 | x] by quadrature over x0, of one value: nothing is known of Gaussians but their density. */
function quadrature(components: readonly { logWeight: number; at: number }[], x: number, alphaBar: number, spread: number): number {
  let [mass, moment] = [0, 0];
  for (let x0 = -4; x0 <= 4; x0 += 1e-4) {
    const prior = components.reduce((sum, { logWeight, at }) => sum + Math.exp(logWeight - (x0 - at) ** 2 / (2 * spread ** 2)), 0);
    const density = prior * Math.exp(-((x - Math.sqrt(alphaBar) * x0) ** 2) / (2 * (1 - alphaBar)));
    mass += density;
    moment += density * x0;
  }
  return moment / mass;
}

const SCHEDULER = { numTrainTimesteps: 100, betaStart: 0.0001, betaEnd: 0.02, betaSchedule: 'squaredcos_cap_v2' } as const;

describe('the exact denoiser', () => {
  const components = [
    { logWeight: 0, at: -0.6 },
    { logWeight: -0.5, at: 0.1 },
    { logWeight: -2, at: 0.9 },
  ];
  const neighbours = components.map(({ logWeight, at }) => ({ logWeight, chunk: Float64Array.of(at) }));

  it.each([
    [0.02, 0.9],
    [0.3, -0.4],
    [0.7, 0.5],
    [0.98, 0.2],
  ])('is the mean of the posterior at ā = %f, x = %f', (alphaBar, x) => {
    const [mean] = posteriorMean(neighbours, Float64Array.of(x), alphaBar, 0.2);
    expect(mean).toBeCloseTo(quadrature(components, x, alphaBar, 0.2), 8);
  });

  it('is a mean also where every component is far away', () => {
    const [mean] = posteriorMean(neighbours, Float64Array.of(900), 0.5, 0.05);
    expect(Number.isFinite(mean)).toBe(true);
  });
});

describe('the conditional mean', () => {
  const neighbours = [
    { logWeight: 0, chunk: Float64Array.of(0, 0, 0, 0) },
    { logWeight: -1, chunk: Float64Array.of(1, 1, 1, 1) },
  ];

  it('takes the chunk that continues the previous one, whatever the observation prefers', () => {
    expect([...conditionalMean(neighbours, [9, 9, 1, 1], 2, 0.1)]).toEqual([1, 1, 1, 1]);
    expect([...conditionalMean(neighbours, [9, 9, 0, 0], 2, 0.1)]).toEqual([0, 0, 0, 0]);
  });

  it('weighs by the observation alone at the begin of an episode', () => {
    const share = Math.exp(-1) / (1 + Math.exp(-1));
    expect(conditionalMean(neighbours, undefined, 2, 0.1)[3]).toBeCloseTo(share, 12);
  });
});

describe('scaling', () => {
  it('brings values to −1 … 1 and back, and keeps what never changes', () => {
    const scaling = new Scaling(Float64Array.of(2, 7, 6, 7, 4, 7), 2);
    expect([scaling.scaled(2, 0), scaling.scaled(6, 0), scaling.scaled(7, 1)]).toEqual([-1, 1, 0]);
    expect([scaling.unscaled(0.5, 0), scaling.unscaled(0.3, 1)]).toEqual([5, 7]);
    expect(scaling.gains).toEqual([0.5, 0]);
  });
});

describe('a solver step on the host', () => {
  const common = { alphasCumprod: alphasCumprod(SCHEDULER, 'pytorch'), predictionType: 'sample', steps: 6 } as const;
  const schedules: Readonly<Record<string, Schedule>> = {
    ddpm: ddpmSchedule({ ...common, clip: 1 }),
    ddim: ddimSchedule({ ...common, clip: 0.5 }),
    'dpm-solver++ of third order': dpmSolverSchedule({ ...common, clip: null, solverOrder: 3, karrasTimestep: 'below' }),
    thresholding: ddimSchedule({ ...common, clip: { quantile: 0.7, most: 1.5 } }),
  };

  it.each(Object.entries(schedules))('is the update that the kernel is tested against: %s', (_, { steps }) => {
    let state: SolverState = { x: Float64Array.from({ length: 12 }, (_, i) => 2.5 * Math.sin(3 * i)) };
    for (const [index, step] of steps.entries()) {
      const output = state.x.map((value, i) => 0.7 * value + Math.cos(i + index));
      const noise = Float64Array.from(output, (_, i) => Math.sin(7 * i + index));
      const wanted = applyToSample(step, { ...state, output, noise });
      const next = solverStep(step, state, output, noise);
      expect([...next.x]).toEqual([...wanted.x].map((value) => expect.closeTo(value, 12)));
      expect([...(next.previousX0 as Float64Array)]).toEqual([...wanted.x0].map((value) => expect.closeTo(value, 12)));
      state = next;
    }
  });
});
