import { OptionError } from '../foundation/errors.js';
import { checkNumber } from '../foundation/options.js';
import { shownValue } from '../foundation/shown.js';
import type { Schedule, SolverOptions, SolverStep } from './solver-step.js';
import { checkSolverOptions, makeSchedule, networkOutputTerms, signalAndNoise } from './solver-step.js';
import type { TimestepSpacing } from './timesteps.js';
import { multistepTimesteps } from './timesteps.js';

export type SolverType = 'midpoint' | 'heun';
export type FinalSigma = 'zero' | 'sigma-min';

/** Defaults are those of diffusers' `DPMSolverMultistepScheduler`. */
export interface DpmSolverOptions extends SolverOptions {
  /** Default `linspace`. */
  readonly timestepSpacing?: TimestepSpacing;
  /** Form of the second-order term; default `midpoint`. */
  readonly solverType?: SolverType;
  /** Where the last step ends: at the clean chunk (`zero`, default) or at the level of timestep 0 (`sigma-min`). */
  readonly finalSigma?: FinalSigma;
  /** Leaves out the levels whose λ = ln(√ā/√(1−ā)) lies below this; default −∞. −5.1 starts at 98 of 100 levels. */
  readonly lambdaMinClipped?: number;
}

/** Schedules with fewer steps end with a first-order step, as diffusers' `lower_order_final` has it. */
const SHORT_SCHEDULE = 15;

/**
 * DPM-Solver++ multistep of second order (Lu et al. 2022, arXiv 2211.01095, algorithm 2). The result of the last step
 * with `finalSigma` `zero` is exactly that step's x0. Throws OptionError for unusable options.
 */
export function dpmSolverSchedule(options: DpmSolverOptions): Schedule {
  checkSolverOptions('dpmSolverSchedule', options);
  const { alphasCumprod, steps, timestepSpacing = 'linspace' } = options;
  const { solverType = 'midpoint', finalSigma = 'zero' } = options;
  const timesteps = multistepTimesteps(timestepSpacing, steps, alphasCumprod.length, usableLevels(options));
  const levels = [...timesteps.map((t) => sigma(alphasCumprod, t)), finalLevel(finalSigma, alphasCumprod)];
  const correction = correctionOf(solverType);
  const last = timesteps.length - 1;
  const firstOrderFinal = finalSigma === 'zero' || timesteps.length < SHORT_SCHEDULE;
  return makeSchedule(
    'DPM-Solver++',
    timesteps.map((t, i) => {
      const previous = i === last && firstOrderFinal ? undefined : levels[i - 1];
      return {
        ...networkOutputTerms(options, t),
        ...multistepUpdate(previous, levels[i] ?? 0, levels[i + 1] ?? 0, correction),
      };
    }),
  );
}

type Update = Pick<SolverStep, 'fromX0' | 'fromEps' | 'fromSample' | 'fromPreviousX0' | 'fromNoise'>;

/** The update between noise-to-signal ratios `current` → `next`; of second order when `previous` is given. */
function multistepUpdate(previous: number | undefined, current: number, next: number, correction: Correction): Update {
  const none = { fromEps: 0, fromNoise: 0 };
  // The limit h → ∞, stated instead of left to arithmetic with infinities: the step returns exactly x0.
  if (next === 0) return { ...none, fromX0: 1, fromSample: 0, fromPreviousX0: 0 };
  const signal = 1 / Math.sqrt(1 + next * next);
  const fromSample = (next * signal) / (current / Math.sqrt(1 + current * current));
  const h = Math.log(current / next);
  const first = -signal * Math.expm1(-h);
  if (previous === undefined) return { ...none, fromX0: first, fromSample, fromPreviousX0: 0 };
  // D = (m − m_previous)/r with 1/r = h/h0, written so that h = 0 gives no division by zero.
  const inverseRatio = h / Math.log(previous / current);
  const second = inverseRatio * correction(first, signal, h);
  return { ...none, fromX0: first + second, fromSample, fromPreviousX0: -second };
}

/** The factor of D, from that of x0, the signal √ā of the next level, and the step h in λ. */
type Correction = (first: number, signal: number, h: number) => number;

function correctionOf(solverType: SolverType): Correction {
  switch (solverType) {
    case 'midpoint':
      return (first) => 0.5 * first;
    case 'heun':
      return (first, signal, h) => (h === 0 ? 0 : signal - first / h);
    default:
      throw unknownWord('solverType', 'midpoint or heun', solverType);
  }
}

/** σ where the last step ends. */
function finalLevel(finalSigma: FinalSigma, alphasCumprod: Float64Array): number {
  switch (finalSigma) {
    case 'zero':
      return 0;
    case 'sigma-min':
      return sigma(alphasCumprod, 0);
    default:
      throw unknownWord('finalSigma', 'zero or sigma-min', finalSigma);
  }
}

/** σ_t = √(1−ā_t)/√ā_t. */
function sigma(alphasCumprod: Float64Array, timestep: number): number {
  const { signal, noise } = signalAndNoise(alphasCumprod, timestep);
  return noise / signal;
}

/** How many levels, counted from timestep 0, have λ = −ln σ of at least `lambdaMinClipped`. */
function usableLevels({ alphasCumprod, lambdaMinClipped = -Infinity }: DpmSolverOptions): number {
  checkNumber('dpmSolverSchedule', 'lambdaMinClipped', lambdaMinClipped, 'a number', (value) => !Number.isNaN(value));
  const count = alphasCumprod.filter((_, t) => -Math.log(sigma(alphasCumprod, t)) >= lambdaMinClipped).length;
  if (count === 0) {
    throw new OptionError(
      `lambdaMinClipped must leave some noise level to start from, found ${shownValue(lambdaMinClipped)}, which leaves none: ` +
        'choose a smaller value',
    );
  }
  return count;
}

function unknownWord(option: string, words: string, found: never): OptionError {
  return new OptionError(`${option} must be ${words}, found ${shownValue(found)}: choose one of these`);
}
