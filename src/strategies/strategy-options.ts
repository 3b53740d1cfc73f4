import type { Clip, SolverName } from '../diffusion/solver-step.js';
import type { BridgePrior, SdeForm } from '../spec/method-networks.js';
import type { TimestepSpacing, VarianceType } from '../spec/sampling.js';
import type { ColdStartOptions, StallOptions, WarmStartOptions } from './step-options.js';

/**
 * What a program may give to a strategy, written out: programs and registries read it here, and a test holds every one of them to the table
 * that the strategy is defined by.
 */

export type { ColdStartOptions, StallOptions, WarmStartOptions } from './step-options.js';

interface CommonSolverOptions {
  /** Network evaluations per decision. Default: the checkpoint's. */
  readonly steps?: number;
  /**
   * Clamp of x̂0, dynamic thresholding, or null for neither. Default: the checkpoint's for DDPM and DDIM; for DPM-Solver++ the
   * checkpoint's thresholding, and no clamp (as diffusers).
   */
  readonly clip?: Clip;
  /** Default: the checkpoint's, or diffusers'. */
  readonly timestepSpacing?: TimestepSpacing;
  /** Added to the timesteps of leading spacing. Default: the checkpoint's, or 0. */
  readonly stepsOffset?: number;
}

/** Every decision from noise, by DDPM (Ho et al. 2020). */
export interface DdpmStrategyOptions extends CommonSolverOptions {
  readonly name: 'DDPM';
  /** Variance of the noise that a step adds. Default: the checkpoint's, or fixed_small. */
  readonly varianceType?: VarianceType;
}

/** Every decision from noise, by DDIM (Song et al. 2021). */
export interface DdimStrategyOptions extends CommonSolverOptions {
  readonly name: 'DDIM';
  /** 0 deterministic (default) … 1. */
  readonly eta?: number;
  /** Whether the last step ends at the clean sample (default) or at timestep 0. */
  readonly setAlphaToOne?: boolean;
  /** Whether the noise follows from x̂0 after its clamp. Default: from the network's output. */
  readonly useClippedModelOutput?: boolean;
}

/** Every decision from noise, by DPM-Solver++ (Lu et al. 2022). */
export interface DpmSolverStrategyOptions extends CommonSolverOptions {
  readonly name: 'DPM-Solver++';
  /** 1, 2 (default) or 3. */
  readonly solverOrder?: number;
  /** `dpmsolver++` (default), or `sde-dpmsolver++`, which draws noise at every step. */
  readonly algorithmType?: 'dpmsolver++' | 'sde-dpmsolver++';
  /** Default midpoint. */
  readonly solverType?: 'midpoint' | 'heun';
  /** Ends at the clean chunk, `zero` (default), or at timestep 0, `sigma-min`. */
  readonly finalSigma?: 'zero' | 'sigma-min';
  /** Whether fewer than 15 steps end with lower orders. Default true. */
  readonly lowerOrderFinal?: boolean;
  /** Whether the last step is of first order in any case. Default false. */
  readonly eulerAtFinal?: boolean;
  /** Levels of Karras et al. 2022 in place of `timestepSpacing`. Default false. */
  readonly useKarrasSigmas?: boolean;
  /** Leaves out levels whose λ lies below. Default: none. */
  readonly lambdaMinClipped?: number;
}

/** Every decision from noise, by one of the solvers. */
export type SolverStrategyOptions = DdpmStrategyOptions | DdimStrategyOptions | DpmSolverStrategyOptions;

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

/**
 * RTI-DP: every tick the last chunk, moved on by one row, is taken for a slightly noisy one and denoised over a
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
  /** Indices of the dimensions, ascending. */
  readonly dimensions: readonly number[];
  /** Before the next decision these dimensions are set to ±1/factor, by their sign. Default 1 (published: 10 with images). Refused beside `unchanged`. */
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
  /** Default: the checkpoint's. */
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

/** Consistency Policy: a student's chunk in one evaluation, or in a few that noise it again in between. Needs its network. */
export interface ConsistencyStrategyOptions {
  readonly name: 'Consistency';
  /** Network evaluations per decision: 1, and one more for every chaining bin of the network. Default 1. */
  readonly steps?: number;
  /**
   * What the network's chaining bins are: `bins`, whose levels follow from the spacing (default, as the release's README describes it), or
   * `raw`, levels themselves, as its shipped setting runs.
   */
  readonly chaining?: 'bins' | 'raw';
  /**
   * Whether decisions after the first start from the predictor's chunk, noised to one of the network's chaining bins: with one evaluation to
   * the last of them, with more to as many before it; `steps` is then at most their number. Ours: the paper has no such thing. Default false.
   */
  readonly warm?: boolean;
  /** Clamp of the chunk, in normalised action space; null: none. Default: the network's. */
  readonly clip?: number | null;
}

/** OneDP: a generator's chunk in one evaluation, from noise or from zeros. Needs its network. */
export interface OneDpStrategyOptions {
  readonly name: 'OneDP';
  /** From noise, or from zeros; a generator is trained for one of them. Default: the network's. */
  readonly variant?: 'stochastic' | 'deterministic';
  /**
   * Whether decisions after the first start from the predictor's chunk, noised to the generator's timestep, in place of noise alone.
   * Refused for a deterministic generator, which was trained from zeros. Ours: the paper has no such thing. Default false.
   */
  readonly warm?: boolean;
  /** Clamp of the chunk, in normalised action space; null: none. Default: the network's. */
  readonly clip?: number | null;
}

/** NO-Diffusion (experimental; reconstructed from a summary, no code was published): one evaluation from a start that heads draw. Needs its network. */
export interface NoDiffusionStrategyOptions {
  readonly name: 'NO-Diffusion';
  /** Clamp of the chunk, in normalised action space; null: none. Default: the network's. */
  readonly clip?: number | null;
}

/** SDP: a buffer whose chunks are the noisier the later they are executed; decisions go on with it. Needs its network. */
export interface SdpStrategyOptions {
  readonly name: 'SDP';
  /** What an episode begins with: zeros that are noised, or a buffer that is denoised as a whole first. Default: the network's. */
  readonly init?: 'zero' | 'denoise';
  /** Whether rows of the past, which are clean, are noised to the level that they are labelled with. Default false, as in the release. */
  readonly renoisePastSlots?: boolean;
  /** Clamp of the chunk, in normalised action space; null: none. Default: the network's. */
  readonly clip?: number | null;
}

/** RNR-DP: a buffer whose row i is at level i; one evaluation and one action per decision. Needs its network. */
export interface RnrDpStrategyOptions {
  readonly name: 'RNR-DP';
  /** Decisions that read one observation. Default 1. */
  readonly observeEvery?: number;
  /** Clamp of the chunk, in normalised action space; null: none. Default: the network's. */
  readonly clip?: number | null;
}

/** BRIDGER: an SDE from noise, or from what a CVAE decodes, to the chunk; two of its three networks at every step. Needs its networks. */
export interface BridgerStrategyOptions {
  readonly name: 'BRIDGER';
  /** Steps of the SDE, two network evaluations each. Default 5, as the release evaluates. */
  readonly steps?: number;
  /** `vs`: of velocity and score; `bs`: of drift and score. Default: the network's. */
  readonly sde?: SdeForm;
  /** Where chunks start: `normal`, N(0, I), or `cvae`, what the policy's predictor makes. Default: the network's. */
  readonly prior?: BridgePrior;
}

/** Options that name a strategy, and may change what it does by default. */
export type StrategyOptions =
  | SolverStrategyOptions
  | StepStrategyOptions
  | RtiDpStrategyOptions
  | FalconStrategyOptions
  | ConsistencyStrategyOptions
  | OneDpStrategyOptions
  | NoDiffusionStrategyOptions
  | SdpStrategyOptions
  | RnrDpStrategyOptions
  | BridgerStrategyOptions;

/** A strategy under the name that reports give it. */
export interface NamedStrategy {
  readonly name: string;
  readonly options: StrategyOptions;
}
