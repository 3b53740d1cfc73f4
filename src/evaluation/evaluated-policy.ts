import type { DecideRequest, Decision, DecisionCost, EpisodeOptions } from '../policy/decision-result.js';
import type { Episode } from '../policy/episode.js';
import type { PolicyInfo } from '../policy/info.js';
import type { PrecisionChoice } from '../policy/precision.js';
import type { StrategyOptions } from '../strategies/strategy-options.js';

/** What an evaluation needs of a policy: a `Policy` has it, and a `KernelPolicy`. */
export interface EvaluatedPolicy {
  readonly info: Pick<PolicyInfo, 'name' | 'observations' | 'observationSteps' | 'actionDim' | 'strategy'>;
  beginEpisode(options?: EpisodeOptions): Episode;
  decideAll(requests: readonly DecideRequest[]): Promise<Decision[]>;
  decideAllSettled(requests: readonly DecideRequest[]): Promise<PromiseSettledResult<Decision>[]>;
  /** Where decisions are made on a device. */
  decisionCost?(strategy?: StrategyOptions): Promise<DecisionCost>;
}

/** How numbers are stored where a policy's decisions are made: weights on a device, or float64 on the host. */
export const RECORD_PRECISIONS = ['f32', 'f16', 'int8', 'auto', 'f64'] as const satisfies readonly (PrecisionChoice | 'f64')[];
export type RecordPrecision = (typeof RECORD_PRECISIONS)[number];
