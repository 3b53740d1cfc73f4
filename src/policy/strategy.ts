import type { SchedulerConfig } from '../checkpoints/types.js';
import type { FinalSigma, SolverType } from '../diffusion/dpm-solver.js';
import type { Schedule, SolverName } from '../diffusion/solver-step.js';
import type { StallRule } from '../diffusion/stall.js';
import type { TimestepSpacing } from '../diffusion/timesteps.js';

/** What earlier decisions of an episode left behind, for one sample of a batch. */
export interface PastChunk {
  /** Normalised, f32 [horizon][actionDim]. */
  readonly chunk: Float32Array;
  /** In the units of the robot, f32 [horizon][actionDim]. */
  readonly actionHorizon: Float32Array;
}

/** How one decision is sampled: x = predictionScale · prediction + noiseScale · noise, then the schedule. */
export interface DecisionStart {
  readonly predictionScale: number;
  readonly noiseScale: number;
  readonly schedule: Schedule;
  /** Whether the stall rule chose this start. */
  readonly stalled: boolean;
}

/**
 * A strategy: how decisions are sampled from the denoiser. It keeps no state of its own; what it needs of the past is
 * handed to it, so that one strategy serves any number of episodes.
 */
export interface Strategy {
  /** For people, e.g. "STEP 2 (forward-noise, cold DDIM 16)". */
  readonly description: string;
  /** All schedules that `start` may choose: they fix the sizes of a plan's buffers. */
  readonly schedules: readonly Schedule[];
  /** Whether `start` may ask for a prediction, and so for a predictor. */
  readonly needsPredictor: boolean;
  /** The start of the next decision, given the newest chunk and the one before it. */
  start(newest: PastChunk | undefined, before: PastChunk | undefined): DecisionStart;
}

/** What a strategy needs to know of its policy. */
export interface StrategyContext {
  readonly scheduler: SchedulerConfig;
  readonly actionDim: number;
  readonly observationSteps: number;
  readonly actionSteps: number;
}

/** Options that name a strategy; see `createStrategy`. */
export type StrategyOptions = SolverStrategyOptions | StepStrategyOptions;

/** Every decision from noise, by one of the solvers. */
export interface SolverStrategyOptions {
  readonly name: SolverName;
  /** Network evaluations per decision. Default: the checkpoint's. */
  readonly steps?: number;
  /** Clamp of x̂0; null for none. Default: the checkpoint's for DDPM and DDIM, none for DPM-Solver++ (as diffusers). */
  readonly clip?: number | null;
  readonly timestepSpacing?: TimestepSpacing;
  /** DDIM: 0 deterministic (default) … 1. */
  readonly eta?: number;
  /** DDIM: the last step ends at the clean sample (default) or at timestep 0. */
  readonly setAlphaToOne?: boolean;
  /** DPM-Solver++. */
  readonly solverType?: SolverType;
  readonly finalSigma?: FinalSigma;
  readonly lambdaMinClipped?: number;
}

/** STEP: decisions after the first start from a prediction, and a few DDIM steps refine it. */
export interface StepStrategyOptions {
  readonly name: 'STEP';
  /** Network evaluations per warm decision. Default 2. */
  readonly budget?: number;
  /** How prediction and noise are mixed. Default forward-noise. */
  readonly warmStart?: WarmStartOptions;
  /** The first decision of an episode. Default: DDIM with 16 steps. */
  readonly coldStart?: ColdStartOptions;
  /** Off unless given. */
  readonly stall?: StallOptions;
}

export type WarmStartOptions =
  | 'forward-noise'
  | { readonly mode: 'forward-noise' }
  | { readonly mode: 'eq13' | 'train-index' | 'snr-matched'; readonly sigma?: number; readonly sigmaT?: number }
  | { readonly mode: 'mean-matched'; readonly sigmaT?: number };

export type ColdStartOptions =
  | { readonly mode?: 'noise'; readonly solver?: SolverName; readonly steps?: number }
  /** As the STEP release does it: warm from the first decision, with a history of zeros. */
  | { readonly mode: 'zero-history' };

/** Velocity-aware perturbation: a robot that stands still gets a start with more noise. */
export interface StallOptions {
  /** Distance between successive chunks below which the robot stands still. Default 0.01. */
  readonly eps?: number;
  readonly norm?: StallRule['norm'];
  readonly rows?: StallRule['rows'];
  readonly space?: StallRule['space'];
  /** Start of a stalled decision: sigmaScale · prediction + sigmaStall · noise. Default 0.4 and 1.2. */
  readonly sigmaScale?: number;
  readonly sigmaStall?: number;
}
