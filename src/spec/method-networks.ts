import type { UnetShape } from './network-shapes.js';
import type { NoiseScheduleOptions } from './noise-schedule.js';
import type { PredictionType, VarianceType } from './sampling.js';

/** Networks that methods bring beside a policy, as their config.json declares them: plain data. */

interface MethodNetwork {
  readonly unet: UnetShape;
  readonly observationSteps: number;
  /** Rows of a chunk that its training executed per decision. */
  readonly actionSteps: number;
}

/**
 * Consistency Policy: G(x, T, S) from a U-Net that embeds the level T and the level S where it stops (Prasad et al. 2024; Kim et al. 2023).
 * Levels are standard deviations of the noise.
 */
export interface ConsistencyNetwork extends MethodNetwork {
  readonly type: 'consistency_policy';
  readonly sigmaMin: number;
  readonly sigmaMax: number;
  /** Standard deviation of the data. */
  readonly sigmaData: number;
  /** Exponent of the spacing of levels (Karras et al. 2022). */
  readonly rho: number;
  /** Levels of the training: bin 0 is sigmaMax, bin `bins` − 1 is sigmaMin. */
  readonly bins: number;
  /** Clamp of G to ± this, in normalised action space; null: none. */
  readonly clip: number | null;
  /** Bins of the levels after the first, in a decision of several steps. */
  readonly chainingBins: readonly number[];
}

/** OneDP: a generator that makes a chunk in one evaluation at a fixed timestep (Wang et al. 2024). */
export interface OneDpNetwork extends MethodNetwork {
  readonly type: 'onedp';
  /** From noise, or from zeros. */
  readonly variant: 'stochastic' | 'deterministic';
  readonly noiseSchedule: NoiseScheduleOptions;
  readonly predictionType: PredictionType;
  readonly timestep: number;
  readonly clip: number | null;
}

/** NO-Diffusion: two heads draw a start from the observation, one evaluation makes a chunk of it (Aizu et al. 2025). */
export interface NoDiffusionNetwork extends MethodNetwork {
  readonly type: 'no_diffusion';
  /** Width of the hidden layer of both heads. */
  readonly hiddenDim: number;
  readonly timestep: number;
  readonly clip: number | null;
}

/** What networks have in common whose rows have a noise level each. */
interface SlotNetwork extends MethodNetwork {
  readonly noiseSchedule: NoiseScheduleOptions;
  readonly predictionType: PredictionType;
  readonly varianceType: VarianceType;
  /** Clamp of x̂0 to ± this, in normalised action space; null: none. */
  readonly clip: number | null;
}

/** Streaming Diffusion Policy: a U-Net that embeds the noise levels of all rows of its buffer together (Høeg et al. 2024). */
export interface StreamingNetwork extends SlotNetwork {
  readonly type: 'streaming_diffusion';
  /** What an episode begins with: zeros that are noised, or a buffer that is denoised as a whole. */
  readonly bufferInit: 'zero' | 'denoise';
}

/** RNR-DP: a U-Net whose conditioning is a sequence, a vector for every row of its buffer, row i at noise level i (Chen et al. 2025). */
export interface LadderNetwork extends SlotNetwork {
  readonly type: 'rnr_policy';
}

/** What a stochastic interpolant goes along from the prior chunk to the demonstrated one; names of BRIDGER's release. */
export const INTERPOLANTS = ['linear', 'power3', 'power4', 'reverse_power3'] as const;
export type Interpolant = (typeof INTERPOLANTS)[number];

/** Which networks the sampler of an interpolant asks: velocity and score (`vs`), or drift and score (`bs`). */
export const SDE_FORMS = ['vs', 'bs'] as const;
export type SdeForm = (typeof SDE_FORMS)[number];

/** Where BRIDGER's chunks start: N(0, I), or what a CVAE decodes. */
export const BRIDGE_PRIORS = ['normal', 'cvae'] as const;
export type BridgePrior = (typeof BRIDGE_PRIORS)[number];

/** Its U-Nets: drift, velocity and score. */
export const BRIDGE_NETWORKS = ['b_net', 'v_net', 's_net'] as const;

/** BRIDGER: a stochastic interpolant from a prior to the demonstrations, sampled as an SDE by two of three U-Nets (Chen et al. 2024). */
export interface BridgerNetwork extends MethodNetwork {
  readonly type: 'bridger';
  /** d: scale of the noise, in training and in sampling. */
  readonly noiseScale: number;
  /** Times are kept in [timeMin, 1 − timeMin]. */
  readonly timeMin: number;
  /** Largest 1 / γ. */
  readonly gammaInverseMax: number;
  readonly interpolant: Interpolant;
  readonly sde: SdeForm;
  readonly prior: BridgePrior;
}

/** Every network of a method, by the `type` of its config.json. */
export interface MethodNetworks {
  readonly consistency_policy: ConsistencyNetwork;
  readonly onedp: OneDpNetwork;
  readonly no_diffusion: NoDiffusionNetwork;
  readonly streaming_diffusion: StreamingNetwork;
  readonly rnr_policy: LadderNetwork;
  readonly bridger: BridgerNetwork;
}

export type MethodType = keyof MethodNetworks;
export type MethodConfig = MethodNetworks[MethodType];

/** Configurations of the networks that a policy was loaded with. */
export type GivenMethods = { readonly [T in MethodType]?: MethodNetworks[T] };

/** Configurations by their types. */
export function methodsByType(configs: readonly MethodConfig[]): GivenMethods {
  return Object.fromEntries(configs.map((config) => [config.type, config]));
}
