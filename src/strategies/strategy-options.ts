import type { BRIDGER } from './bridger.js';
import type { CONSISTENCY } from './consistency.js';
import type { OptionsOf } from './define.js';
import type { FALCON } from './falcon.js';
import type { StrategyOptions } from './index.js';
import type { NO_DIFFUSION } from './no-diffusion.js';
import type { ONEDP } from './onedp.js';
import type { RNR_DP } from './rnr-dp.js';
import type { RTI_DP } from './rti-dp.js';
import type { SDP } from './sdp.js';
import type { DDIM, DDPM, DPM_SOLVER } from './solver.js';
import type { STEP } from './step.js';

export type { StrategyOptions } from './index.js';
export type { GripperOptions } from './rti-dp.js';
export type { ColdStartOptions, StallOptions, WarmStartOptions } from './step-options.js';

/** A strategy under the name that reports give it. */
export interface NamedStrategy {
  readonly name: string;
  readonly options: StrategyOptions;
}

/** Every decision from noise, by one of the solvers. */
export type SolverStrategyOptions = OptionsOf<typeof DDPM> | OptionsOf<typeof DDIM> | OptionsOf<typeof DPM_SOLVER>;

/** STEP: decisions after the first start from a prediction, and a few DDIM steps refine it. */
export type StepStrategyOptions = OptionsOf<typeof STEP>;

/**
 * RTI-DP: every tick the last chunk, moved on by one row, is taken for a slightly noisy one and denoised over a
 * short list of timesteps; one action per decision. The first decision is a full DDPM run.
 */
export type RtiDpStrategyOptions = OptionsOf<typeof RTI_DP>;

/**
 * Falcon (experimental; reconstructed from a summary, no code was published): decisions may go on from a sample that an
 * earlier decision passed through, if what the network makes of it now agrees with the rest of the last chunk.
 */
export type FalconStrategyOptions = OptionsOf<typeof FALCON>;

/** Consistency Policy: a student's chunk in one evaluation, or in a few that noise it again in between. Needs its network. */
export type ConsistencyStrategyOptions = OptionsOf<typeof CONSISTENCY>;

/** OneDP: a generator's chunk in one evaluation, from noise or from zeros. Needs its network. */
export type OneDpStrategyOptions = OptionsOf<typeof ONEDP>;

/** NO-Diffusion (experimental; reconstructed from a summary, no code was published): one evaluation from a start that heads draw. Needs its network. */
export type NoDiffusionStrategyOptions = OptionsOf<typeof NO_DIFFUSION>;

/** SDP: a buffer whose chunks are the noisier the later they are executed; decisions go on with it. Needs its network. */
export type SdpStrategyOptions = OptionsOf<typeof SDP>;

/** RNR-DP: a buffer whose row i is at level i; one evaluation and one action per decision. Needs its network. */
export type RnrDpStrategyOptions = OptionsOf<typeof RNR_DP>;

/** BRIDGER: an SDE from noise, or from what a CVAE decodes, to the chunk; two of its three networks at every step. Needs its networks. */
export type BridgerStrategyOptions = OptionsOf<typeof BRIDGER>;
