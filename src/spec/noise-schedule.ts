/** The noise schedule: what a checkpoint declares and what solvers compute their levels from. */
export interface NoiseScheduleOptions {
  /** N: noise levels of the training run; timesteps are 0 (almost clean) … N − 1 (almost pure noise). */
  readonly numTrainTimesteps: number;
  readonly betaSchedule: 'squaredcos_cap_v2' | 'linear' | 'scaled_linear';
  /** First and last β of the two linear schedules; `squaredcos_cap_v2` ignores both. */
  readonly betaStart: number;
  readonly betaEnd: number;
}
