import { makeSchedule, type Schedule } from '../diffusion/solver-step.js';

/** Sizes that fix what a decision uploads. */
export interface DecisionShape {
  readonly batch: number;
  readonly observationSteps: number;
  /** Values of one observation frame. */
  readonly frameWidth: number;
  readonly horizon: number;
  readonly actionDim: number;
  /** Denoising steps that fit. */
  readonly maxSteps: number;
  /** Rows of step noise (DDPM, DDIM with η > 0) that fit. */
  readonly maxNoiseRows: number;
}

/** Everything a decision depends on: a decision is a pure function of these values. */
export interface DecisionInput {
  /** Raw observations f32 [b][observationSteps][frameWidth], oldest frame first. */
  readonly observations: Float32Array;
  readonly schedule: Schedule;
  /** Start of each sample: x = predictionScale · prediction + noiseScale · noise. */
  readonly starts: readonly { readonly predictionScale: number; readonly noiseScale: number }[];
  /** Previous chunk, normalised, f32 [b][horizon][actionDim]; looked at where a prediction scale is not 0. */
  readonly history: Float32Array | undefined;
  /** Standard normal f32 [b][horizon][actionDim]. */
  readonly noise: Float32Array;
  /** One row f32 [b][horizon][actionDim] for each of the schedule's noisy steps, in their order. */
  readonly stepNoise: readonly Float32Array[];
}

export interface DecisionOutput {
  /** Normalised chunk f32 [b][horizon][actionDim]. */
  readonly normalizedChunk: Float32Array;
  /** The chunk in the units of the robot, f32 [b][horizon][actionDim]. */
  readonly chunk: Float32Array;
  /** Inner values that the plan was compiled to hand out. */
  readonly probes: ReadonlyMap<string, Float32Array>;
}

/** One evaluation at timestep 0 whose result nobody looks at. */
export const REHEARSED = makeSchedule('DDIM', [
  {
    timestep: 0,
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
  },
]);
