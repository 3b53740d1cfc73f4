import type { FinalSigma, SolverType } from '../diffusion/dpm-solver.js';
import type { SolverName } from '../diffusion/solver-step.js';
import type { StallRule } from '../diffusion/stall.js';
import type { TimestepSpacing } from '../diffusion/timesteps.js';

/** Options that name a strategy; see `createStrategy`. */
export type StrategyOptions = SolverStrategyOptions | StepStrategyOptions | RtiDpStrategyOptions | FalconStrategyOptions;

/** A strategy under the name that reports give it. */
export interface NamedStrategy {
  readonly name: string;
  readonly options: StrategyOptions;
}

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
  /** `network`: the policy's predictor (default); `shift`: the previous chunk moved on by the executed rows. */
  readonly predictor?: 'network' | 'shift';
  /**
   * Rows of the previous chunk that the predictor is shown; the others are zeros, as before the start of an episode. `full`
   * (default); `executed`: up to the last executed one; `tail`: those after; `none`. For ablations.
   */
  readonly history?: 'full' | 'executed' | 'tail' | 'none';
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

/**
 * RTI-DP: every control step the last chunk, moved on by one row, is taken for a slightly noisy one and denoised over a
 * short list of timesteps; one action per decision. The first decision is a full DDPM run.
 */
export interface RtiDpStrategyOptions {
  readonly name: 'RTI-DP';
  /** Strictly descending timesteps that end at 0, or the name of a published list (`RTI_DP_TIMESTEPS`). Default push-t. */
  readonly timesteps?: readonly number[] | string;
  /** Action dimensions that are open or closed; none by default. */
  readonly gripper?: GripperOptions;
}

export interface GripperOptions {
  /** Indices of the dimensions. */
  readonly dimensions: readonly number[];
  /** Before the next decision these dimensions are set to ±1/factor, by their sign. Default 1 (published: 10 with images). */
  readonly factor?: number;
  /**
   * What the next decision goes on from: `decided` (default), ±1/factor, as with a pretrained policy; `unchanged`, the chunk as it was
   * made, as with a policy that was trained on gripper actions divided by 10. The action that is sent is ±1 in both.
   */
  readonly remember?: 'decided' | 'unchanged';
}

/**
 * Falcon (experimental; reconstructed from a summary, no code was published): decisions may go on from a sample that an
 * earlier decision passed through, if what the network makes of it now agrees with the rest of the last chunk.
 */
export interface FalconStrategyOptions {
  readonly name: 'Falcon';
  readonly solver?: SolverName;
  /** Network evaluations of a decision that starts from noise. Default: the checkpoint's. */
  readonly steps?: number;
  /** Probability of starting from noise anyway (δ). Default 0.1. */
  readonly exploration?: number;
  /** Largest distance (ε) of a candidate's x̂0 from the rest of the last chunk: RMS, normalised. Default 0.03. */
  readonly threshold?: number;
  /** A candidate at timestep k is chosen with a probability ∝ exp(−k/κ). Default: a tenth of the training timesteps. */
  readonly kappa?: number;
  /** Samples below this timestep are no candidates. Default: a fifth of the training timesteps. */
  readonly minTimestep?: number;
  /** Samples that are remembered. Default 50. */
  readonly capacity?: number;
  /** Whether a remembered sample moves on by the executed rows before it is used again. Default false. */
  readonly shiftOnReuse?: boolean;
}
