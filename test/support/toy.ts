import { alphasCumprod } from '../../src/diffusion/noise-schedule.js';
import type { Schedule } from '../../src/diffusion/solver-step.js';
import { applySolverStep } from './apply-solver-step.js';

/** The schedule of nearly every diffusion policy, in float64. */
export const EXACT = alphasCumprod({ numTrainTimesteps: 100, betaSchedule: 'squaredcos_cap_v2', betaStart: 1e-4, betaEnd: 0.02 }, 'exact');

/** What a policy with noise prediction and clamp starts from; tests add `steps`. */
export const EPSILON = { alphasCumprod: EXACT, predictionType: 'epsilon', clip: 1 } as const;

export function at<T>(values: ArrayLike<T>, index: number): T {
  const value = values[index];
  if (value === undefined) throw new Error(`no entry ${index} in ${values.length} values`);
  return value;
}

/** A network: sample and timestep to noise prediction. */
export type Denoiser = (x: number, timestep: number) => number;

/** The exact noise predictor for scalar data N(mean, std²). */
export function gaussianDenoiser(mean: number, std: number): Denoiser {
  return (x, timestep) => {
    const alphaBar = at(EXACT, timestep);
    const x0 = (std ** 2 * Math.sqrt(alphaBar) * x + (1 - alphaBar) * mean) / (std ** 2 * alphaBar + 1 - alphaBar);
    return (x - Math.sqrt(alphaBar) * x0) / Math.sqrt(1 - alphaBar);
  };
}

export const toy = gaussianDenoiser(0.3, 0.2);

/** Runs a schedule on one number, all noise zero; `trace` lists x and x0 after every step. */
export function run(schedule: Schedule, start: number, denoiser: Denoiser = toy): { result: number; trace: { x: number; x0: number }[] } {
  let state = { x: start, x0: 0 };
  const trace = schedule.steps.map((step) => {
    state = applySolverStep(step, state.x, denoiser(state.x, step.timestep), state.x0, 0);
    return state;
  });
  return { result: state.x, trace };
}

export function timestepsOf(schedule: Schedule): number[] {
  return schedule.steps.map((step) => step.timestep);
}

/** Coefficients of x' = sample·x + output·m for a step whose clamp does not act. */
export function linearForm(schedule: Schedule, index: number): { sample: number; output: number } {
  const step = schedule.steps[index];
  if (step === undefined) throw new Error(`no step ${index}`);
  const open = { ...step, clip: null };
  return { sample: applySolverStep(open, 1, 0, 0, 0).x, output: applySolverStep(open, 0, 1, 0, 0).x };
}
