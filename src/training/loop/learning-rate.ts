/** How the rate goes over a run: diffusers' `cosine` with warm-up, the same rate throughout after the warm-up, or one that falls in steps. */
export interface RateSchedule {
  readonly name: 'cosine' | 'constant' | 'step';
  /** Rate after the warm-up. */
  readonly peak: number;
  /** Steps in which the rate rises from 0. */
  readonly warmupSteps: number;
  /** Steps of the whole run, where a cosine has come down to 0. */
  readonly totalSteps: number;
  /** Of `step`: steps from one decay to the next, and what is left of the rate. Default: it never falls; 0.99. */
  readonly decayEvery?: number | undefined;
  readonly decayFactor?: number | undefined;
}

/**
 * The rate of the step before which `done` steps were done, in float64 (diffusers `get_cosine_schedule_with_warmup`, half a period). The
 * first step of a warm-up has rate 0: it changes no weight, only the moments. Beyond `totalSteps` a cosine would rise again: there it is 0.
 */
export function learningRate(schedule: RateSchedule, done: number): number {
  const { name, peak, warmupSteps, totalSteps, decayEvery = Infinity, decayFactor = 0.99 } = schedule;
  if (done < warmupSteps) return (peak * done) / Math.max(1, warmupSteps);
  if (name === 'constant') return peak;
  // PyTorch's StepLR.
  if (name === 'step') return peak * decayFactor ** Math.floor(done / decayEvery);
  if (done >= totalSteps) return 0;
  const progress = (done - warmupSteps) / Math.max(1, totalSteps - warmupSteps);
  return peak * Math.max(0, 0.5 * (1 + Math.cos(Math.PI * progress)));
}
