import { checkChoice } from '../foundation/options.js';
import type { Schedule, SolverOptions, SolverStep } from './solver-step.js';
import { alphaBarAt, checkSolverOptions, makeSchedule, networkOutputTerms } from './solver-step.js';
import type { TimestepSpacing } from './timesteps.js';
import { checkTimesteps, spacedTimesteps } from './timesteps.js';

export interface DdpmOptions extends SolverOptions {
  /** Default `leading`. */
  readonly timestepSpacing?: TimestepSpacing;
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
 * Ancestral sampling (Ho et al. 2020, eqs. 6 and 7; diffusers `DDPMScheduler`, variance `fixed_small`). Noise is drawn
 * at every t > 0 and none at t = 0. Throws OptionError for unusable steps, timesteps or clip.
 */
export function ddpmSchedule(options: DdpmOptions): Schedule {
  checkSolverOptions('ddpmSchedule', options);
  const { alphasCumprod, steps, timestepSpacing = 'leading', predecessor = 'visited' } = options;
  checkChoice('ddpmSchedule', 'predecessor', predecessor, ['visited', 'adjacent']);
  const timesteps = options.timesteps === undefined ? spacedTimesteps(timestepSpacing, steps, alphasCumprod.length) : options.timesteps;
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
    fromNoise: t > 0 ? Math.sqrt(Math.max(remaining * beta, MIN_VARIANCE)) : 0,
  };
}
