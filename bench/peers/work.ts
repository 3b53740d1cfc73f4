import { ddimSchedule } from '../../src/diffusion/ddim.js';
import { alphasCumprod } from '../../src/diffusion/noise-schedule.js';
import { makeSchedule, type Schedule, type SolverStep } from '../../src/diffusion/solver-step.js';
import { syntheticUnet } from '../../src/synthetic/checkpoint.js';
import { fillValues } from '../../src/synthetic/fill.js';
import type { PeerUnet } from './networks.js';

/** Inputs of all workloads of a U-Net, the same for every engine. */
export interface UnetWork {
  /** Noisy chunk f32 [horizon][actionDim]. */
  readonly sample: Float32Array;
  /** Normalised observations, oldest frame first, f32 [conditioningDim]. */
  readonly conditioning: Float32Array;
  readonly schedules: Readonly<Record<UnetWorkload, Schedule>>;
}

export type UnetWorkload = 'one evaluation' | 'two steps';

/** Bound of a uniform distribution of variance 1. */
const UNIT_VARIANCE = Math.sqrt(3);
/** Steps of the observations: every value survives (x + 1) / 2 · 2 − 1 in f32 unchanged. */
const OBSERVATION_STEP = 1 / 256;

export function createWork(size: PeerUnet): UnetWork {
  const { horizon, actionDim, conditioningDim } = syntheticUnet(size);
  const sample = new Float32Array(horizon * actionDim);
  fillValues({ kind: 'uniform', bound: UNIT_VARIANCE, seed: 1 }, 0, sample);
  const conditioning = new Float32Array(conditioningDim);
  fillValues({ kind: 'uniform', bound: 1, seed: 2 }, 0, conditioning);
  const grid = conditioning.map((value) => Math.round(value / OBSERVATION_STEP) * OBSERVATION_STEP);
  const twoSteps = ddimSchedule({
    alphasCumprod: alphasCumprod({ numTrainTimesteps: 100, betaSchedule: 'squaredcos_cap_v2', betaStart: 1e-4, betaEnd: 0.02 }, 'pytorch'),
    predictionType: 'epsilon',
    // A clamp would hide the errors of everything that it clamps.
    clip: null,
    steps: 2,
  });
  return {
    sample,
    conditioning: grid,
    schedules: { 'one evaluation': makeSchedule('DDIM', [outputOnly(twoSteps.steps[0]?.timestep ?? 0)]), 'two steps': twoSteps },
  };
}

/** A step whose result is the output of the network itself. */
function outputOnly(timestep: number): SolverStep {
  return {
    timestep,
    clip: null,
    x0FromSample: 0,
    x0FromOutput: 1,
    epsFromSample: 0,
    epsFromOutput: 0,
    fromX0: 1,
    fromEps: 0,
    fromSample: 0,
    fromPreviousX0: 0,
    fromNoise: 0,
  };
}

/** A deterministic solver step without clamp, as `SolverStep` defines it, for engines that bring none. */
export function applyStep(step: SolverStep, sample: Float32Array, output: Float32Array): Float32Array {
  return sample.map((x, i) => {
    const m = output[i] as number;
    const x0 = step.x0FromSample * x + step.x0FromOutput * m;
    const eps = step.epsFromSample * x + step.epsFromOutput * m;
    return step.fromX0 * x0 + step.fromEps * eps + step.fromSample * x;
  });
}
