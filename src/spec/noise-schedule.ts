/** β over the noise levels, by diffusers' names. */
export const BETA_SCHEDULES = ['squaredcos_cap_v2', 'linear', 'scaled_linear', 'sigmoid'] as const;
export type BetaSchedule = (typeof BETA_SCHEDULES)[number];

/** The noise schedule: what a checkpoint declares and what solvers compute their levels from. */
export interface NoiseScheduleOptions {
  /** N: noise levels of the training run; timesteps are 0 (almost clean) … N − 1 (almost pure noise). */
  readonly numTrainTimesteps: number;
  readonly betaSchedule: BetaSchedule;
  /** First and last β; `squaredcos_cap_v2` ignores both. */
  readonly betaStart: number;
  readonly betaEnd: number;
  /** Whether the levels are shifted so that the last one is pure noise (Lin et al. 2023, algorithm 1). Default false. */
  readonly rescaleBetasZeroSnr?: boolean;
}
