import { makeSchedule, type Schedule, type SolverStep } from '../diffusion/solver-step.js';
import type { NonFiniteError } from '../foundation/errors.js';

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
  /** Whether solver steps can threshold dynamically. Default false. */
  readonly thresholding?: boolean;
  /** Rows of a chunk that have coefficients of their own at a step. Default 1: one set for the whole chunk. */
  readonly slotRows?: number;
  /** Values of a row that the start reads of each frame beside the conditioning. Default 0: none. */
  readonly rowWidth?: number;
  /** Random values that the start reads. Default 0: none. */
  readonly latentDim?: number;
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
  /** What the start reads beside the conditioning, f32 [b][observationSteps][rowWidth]; looked at where a prediction scale is not 0. */
  readonly rows?: Float32Array | undefined;
  /** Random values of the start, f32 [b][latentDim]; likewise. */
  readonly latent?: Float32Array | undefined;
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
  /** Samples that were NaN or infinite somewhere, by their place in the batch: their values above are not to be used. */
  readonly failures: ReadonlyMap<number, NonFiniteError>;
  /** Inner values that the plan was compiled to hand out. */
  readonly probes: ReadonlyMap<string, Float32Array>;
}

const REHEARSED_STEP: SolverStep = {
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
};

/** One evaluation at timestep 0 whose result nobody looks at. */
export const REHEARSED = makeSchedule('DDIM', [REHEARSED_STEP]);

/** The same at the level of a step of a method, by the network that it names, or by each of several; undefined: at timestep 0. */
export function rehearsedAt(
  step: Pick<SolverStep, 'levels' | 'network'> | undefined,
  networks: readonly (string | undefined)[] = [step?.network],
): Schedule {
  const levels = step?.levels;
  if (!levels) return REHEARSED;
  return makeSchedule(
    'method',
    networks.map((network) => ({ ...REHEARSED_STEP, levels, ...(network === undefined ? {} : { network }) })),
  );
}

/** A decision on zeros that runs every segment, `predict` among them where it is asked for. */
export function rehearsalInput(
  { batch, observationSteps, frameWidth, horizon, actionDim, rowWidth = 0, latentDim = 0 }: DecisionShape,
  predicted: boolean,
  schedule: Schedule = REHEARSED,
): DecisionInput {
  const zeros = new Float32Array(batch * horizon * actionDim);
  return {
    observations: new Float32Array(batch * observationSteps * frameWidth),
    schedule,
    starts: Array.from({ length: batch }, () => ({ predictionScale: predicted ? 1 : 0, noiseScale: 0 })),
    history: zeros,
    rows: new Float32Array(batch * observationSteps * rowWidth),
    latent: new Float32Array(batch * latentDim),
    noise: zeros,
    stepNoise: [],
  };
}
