import { OptionError } from '../foundation/errors.js';
import { checkChoice } from '../foundation/options.js';
import { type TimestepSpacing, VARIANCE_TYPES, type VarianceType } from '../spec/sampling.js';
import type { Schedule, SolverOptions, SolverStep } from './solver-step.js';
import { alphaBarAt, checkSolverOptions, makeSchedule, networkOutputTerms } from './solver-step.js';
import { checkTimesteps, spacedTimesteps } from './timesteps.js';

export interface DdpmOptions extends SolverOptions {
  /** Default `leading`. */
  readonly timestepSpacing?: TimestepSpacing;
  /** Added to the timesteps of leading spacing; default 0. */
  readonly stepsOffset?: number;
  /** Default `fixed_small`; `fixed_small_log` is the same noise by another way. */
  readonly varianceType?: VarianceType;
  /** Visits these timesteps, `steps` strictly descending ones, instead of evenly spaced ones. */
  readonly timesteps?: readonly number[];
  /**
   * The level a step leads to: the next timestep of the list (`visited`, default, current diffusers), or t − 1 whatever
   * the gaps (`adjacent`: RTI-DP, which walks a chosen list with a scheduler set to all N steps).
   */
  readonly predecessor?: 'visited' | 'adjacent';
}

/** Smallest variance of a noisy step, so that its square root is never that of a rounded-off negative number. */
const MIN_VARIANCE = 1e-20;

/**
 * Ancestral sampling (Ho et al. 2020, eqs. 6 and 7; diffusers `DDPMScheduler`, fixed variances). Noise is drawn
 * at every t > 0 and none at t = 0. Throws OptionError for unusable steps, timesteps or clip.
 */
export function ddpmSchedule(options: DdpmOptions): Schedule {
  checkSolverOptions('ddpmSchedule', options);
  const { alphasCumprod, steps, timestepSpacing = 'leading', predecessor = 'visited', stepsOffset = 0 } = options;
  checkChoice('ddpmSchedule', 'predecessor', predecessor, ['visited', 'adjacent']);
  const timesteps =
    options.timesteps === undefined ? spacedTimesteps(timestepSpacing, steps, alphasCumprod.length, stepsOffset) : options.timesteps;
  checkTimesteps(timesteps, steps, alphasCumprod.length);
  return makeSchedule(
    'DDPM',
    timesteps.map((t, i) => ddpmStep(options, t, predecessor === 'adjacent' ? t - 1 : (timesteps[i + 1] ?? -1))),
  );
}

/** The step from timestep t to p, where p = −1 is the clean chunk. */
function ddpmStep(options: DdpmOptions, t: number, p: number): SolverStep {
  const alphaBar = alphaBarAt(options.alphasCumprod, t);
  const alphaBarNext = p < 0 ? 1 : alphaBarAt(options.alphasCumprod, p);
  const alpha = alphaBar / alphaBarNext;
  const beta = 1 - alpha;
  const remaining = (1 - alphaBarNext) / (1 - alphaBar);
  return {
    ...networkOutputTerms(options, t),
    fromX0: (Math.sqrt(alphaBarNext) * beta) / (1 - alphaBar),
    fromEps: 0,
    fromSample: Math.sqrt(alpha) * remaining,
    fromPreviousX0: 0,
    fromNoise: t > 0 ? Math.sqrt(varianceOf(options.varianceType ?? 'fixed_small', remaining, beta)) : 0,
  };
}

/** `remaining` · β is the variance of the posterior (Ho et al. 2020, eq. 7), β that of the forward step. */
function varianceOf(type: VarianceType, remaining: number, beta: number): number {
  switch (type) {
    case 'fixed_small':
    case 'fixed_small_log':
      return Math.max(remaining * beta, MIN_VARIANCE);
    case 'fixed_large':
      return beta;
    default:
      throw unknownVariance(type);
  }
}

function unknownVariance(type: never): OptionError {
  return new OptionError(`varianceType must be one of ${VARIANCE_TYPES.join(', ')}, found ${String(type)}: choose one of these`);
}
