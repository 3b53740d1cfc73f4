import { OptionError } from '../foundation/errors.js';
import type { DdimOptions } from './ddim.js';
import { ddimSchedule } from './ddim.js';
import type { Schedule } from './solver-step.js';
import { signalAndNoise } from './solver-step.js';
import { roundHalfEven } from './timesteps.js';

/**
 * How a predicted chunk Â becomes the start of a short DDIM run. t0 is the first timestep of the cold schedule with the
 * same number of steps.
 * - `forward-noise`: Â noised to t0, √ā·Â + √(1−ā)·ε. The mixture has the statistics its timestep promises, so the
 *   refinement stays unbiased (STEP's released evaluation code).
 * - `eq13`: σ·Â + σ_T·ε at t0, as the paper prints it (STEP, arXiv 2602.08245, eq. 13).
 * - `train-index`: the same mixture, with the budget read as an index into the training levels: K′−1, …, 0.
 * - `snr-matched`: the same mixture, rescaled and labelled with the training level of its noise-to-signal ratio σ_T/σ.
 * - `mean-matched`: √ā·Â + σ_T·ε at t0: the mean is unbiased, the noise smaller than the level's.
 */
export type WarmStart =
  | { readonly mode: 'forward-noise' }
  | { readonly mode: 'eq13'; readonly sigma: number; readonly sigmaT: number }
  | { readonly mode: 'train-index'; readonly sigma: number; readonly sigmaT: number }
  | { readonly mode: 'snr-matched'; readonly sigma: number; readonly sigmaT: number }
  | { readonly mode: 'mean-matched'; readonly sigmaT: number };

export const WARM_START_MODES = [
  'forward-noise',
  'eq13',
  'train-index',
  'snr-matched',
  'mean-matched',
] as const satisfies readonly WarmStart['mode'][];

/** x = predictionScale·Â + noiseScale·ε, then `schedule`. */
export interface Start {
  readonly predictionScale: number;
  readonly noiseScale: number;
  readonly schedule: Schedule;
}

/** The options of the DDIM run that refines the start; its timesteps follow from the rule and the budget. */
export type RefinementOptions = Omit<DdimOptions, 'steps' | 'timesteps'>;

/** Mixture of a stalled decision (STEP, eq. 14): less of the prediction, more noise, to leave a standstill. */
export interface StallMixture {
  readonly sigmaScale: number;
  readonly sigmaStall: number;
}

/**
 * The start of a decision with `budget` (K′) network evaluations. `snr-matched` may use fewer where the level lies so
 * low that timesteps would repeat. Throws OptionError for an unusable budget or mixture.
 */
export function warmStart(rule: WarmStart, budget: number, options: RefinementOptions): Start {
  // Built for every mode: it is the budget's check, and naming t0 costs microseconds once per policy.
  const cold = ddimSchedule({ ...options, steps: budget });
  const { signal, noise } = signalAndNoise(options.alphasCumprod, firstTimestep(cold));
  switch (rule.mode) {
    case 'forward-noise':
      return { predictionScale: signal, noiseScale: noise, schedule: cold };
    case 'eq13':
      return mixture(rule.sigma, rule.sigmaT, cold);
    case 'train-index': {
      const timesteps = Array.from({ length: budget }, (_, i) => budget - 1 - i);
      return mixture(rule.sigma, rule.sigmaT, ddimSchedule({ ...options, steps: budget, timesteps }));
    }
    case 'snr-matched':
      return snrMatched(rule.sigma, rule.sigmaT, budget, options);
    case 'mean-matched':
      return mixture(signal, rule.sigmaT, cold);
    default:
      throw unknownMode(rule);
  }
}

/** The start of a stalled decision: eq. 13 with the stall's mixture, literally, on the timesteps of the cold run. */
export function stalledStart(stall: StallMixture, budget: number, options: RefinementOptions): Start {
  return mixture(stall.sigmaScale, stall.sigmaStall, ddimSchedule({ ...options, steps: budget }));
}

/**
 * The timestep, with a fraction, at which √(1−ā)/√ā equals `ratio`: linear between neighbouring levels, and the first
 * or last timestep for a ratio beyond the schedule.
 */
export function timestepOfNoiseRatio(alphasCumprod: Float64Array, ratio: number): number {
  let below = 0;
  for (let t = 0; t < alphasCumprod.length; t++) {
    const { signal, noise } = signalAndNoise(alphasCumprod, t);
    const level = noise / signal;
    if (level >= ratio) return t === 0 ? 0 : t - 1 + (ratio - below) / (level - below);
    below = level;
  }
  return alphasCumprod.length - 1;
}

function snrMatched(sigma: number, sigmaT: number, budget: number, options: RefinementOptions): Start {
  checkMixture(sigma, sigmaT);
  if (sigma === 0) {
    throw new OptionError('sigma of an snr-matched warm start must be positive, found 0: its noise level is σ_T/σ');
  }
  const first = roundHalfEven(timestepOfNoiseRatio(options.alphasCumprod, sigmaT / sigma));
  // K′ equal strides from t* to 0, the end left out. Where t* is too low for K′ distinct ones, repeats are dropped.
  const strides = Array.from({ length: budget }, (_, i) => roundHalfEven((first * (budget - i)) / budget));
  const timesteps = [...new Set(strides)];
  const { signal } = signalAndNoise(options.alphasCumprod, first);
  const schedule = ddimSchedule({ ...options, steps: timesteps.length, timesteps });
  return { predictionScale: signal, noiseScale: (signal * sigmaT) / sigma, schedule };
}

function mixture(predictionScale: number, noiseScale: number, schedule: Schedule): Start {
  checkMixture(predictionScale, noiseScale);
  return { predictionScale, noiseScale, schedule };
}

function checkMixture(predictionScale: number, noiseScale: number): void {
  if (![predictionScale, noiseScale].every((scale) => Number.isFinite(scale) && scale >= 0)) {
    throw new OptionError(
      `the scales of a warm start must be finite and not negative, found ${predictionScale} for the prediction and ` +
        `${noiseScale} for the noise: correct sigma and sigmaT, or sigmaScale and sigmaStall`,
    );
  }
}

function firstTimestep(schedule: Schedule): number {
  const [step] = schedule.steps;
  if (step === undefined) throw new OptionError('a warm start needs a schedule of at least one step, found none');
  return step.timestep;
}

function unknownMode(rule: never): OptionError {
  return new OptionError(
    'the mode of a warm start must be forward-noise, eq13, train-index, snr-matched or mean-matched, ' +
      `found ${JSON.stringify(rule)}: choose one of these`,
  );
}
