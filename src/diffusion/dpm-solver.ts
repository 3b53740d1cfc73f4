import { OptionError } from '../errors.js';
import { checkClip, makeSchedule, networkOutputTerms, signalAndNoise } from './solver-step.js';
import type { Schedule, SolverOptions, SolverStep } from './solver-step.js';
import { multistepTimesteps } from './timesteps.js';
import type { TimestepSpacing } from './timesteps.js';

/** Defaults are those of diffusers' `DPMSolverMultistepScheduler`. */
export interface DpmSolverOptions extends SolverOptions {
  /** Default `linspace`. */
  readonly timestepSpacing?: TimestepSpacing;
  /** 1 (DDIM in another guise) or 2, the default. */
  readonly solverOrder?: 1 | 2;
  /** Form of the second-order term; default `midpoint`. */
  readonly solverType?: 'midpoint' | 'heun';
  /** Where the last step ends: at the clean chunk (`zero`, default) or at the level of timestep 0 (`sigma-min`). */
  readonly finalSigma?: 'zero' | 'sigma-min';
  /** Leaves out the levels whose λ = ln(√ā/√(1−ā)) lies below this; default −∞. −5.1 starts at 98 of 100 levels. */
  readonly lambdaMinClipped?: number;
  /** First order in the last step of schedules shorter than 15 steps; default true. */
  readonly lowerOrderFinal?: boolean;
  /** First order in the last step of every schedule; default false. */
  readonly eulerAtFinal?: boolean;
}

const SHORT_SCHEDULE = 15;

/**
 * DPM-Solver++ multistep (Lu et al. 2022, arXiv 2211.01095, algorithm 2). The result of the last step with `finalSigma`
 * `zero` is exactly that step's x0. Throws OptionError for unusable steps, order, clip or `lambdaMinClipped`.
 */
export function dpmSolverSchedule(options: DpmSolverOptions): Schedule {
  const { alphasCumprod, steps, timestepSpacing = 'linspace', solverOrder = 2, finalSigma = 'zero' } = options;
  const { lowerOrderFinal = true, eulerAtFinal = false } = options;
  checkClip(options.clip);
  if (solverOrder !== 1 && solverOrder !== 2) {
    throw new OptionError(`solverOrder must be 1 or 2, found ${String(solverOrder)}: choose one of these`);
  }
  const timesteps = multistepTimesteps(timestepSpacing, steps, alphasCumprod.length, usableLevels(options));
  const target = finalSigma === 'zero' ? 0 : sigma(alphasCumprod, 0);
  const levels = [...timesteps.map((t) => sigma(alphasCumprod, t)), target];
  const last = timesteps.length - 1;
  const firstOrderFinal =
    finalSigma === 'zero' || eulerAtFinal || (lowerOrderFinal && timesteps.length < SHORT_SCHEDULE);
  return makeSchedule(
    'DPM-Solver++',
    timesteps.map((t, i) => {
      const order = i === 0 || (i === last && firstOrderFinal) ? 1 : solverOrder;
      const [previous, current, next] = [levels[i - 1], levels[i] ?? 0, levels[i + 1] ?? 0];
      return {
        ...networkOutputTerms(options, t),
        ...multistepUpdate(order === 1 ? undefined : previous, current, next, options.solverType ?? 'midpoint'),
      };
    }),
  );
}

type Update = Pick<SolverStep, 'fromX0' | 'fromEps' | 'fromSample' | 'fromPreviousX0' | 'fromNoise'>;

/** The update between noise-to-signal ratios `current` → `next`; of second order when `previous` is given. */
function multistepUpdate(
  previous: number | undefined,
  current: number,
  next: number,
  solverType: 'midpoint' | 'heun',
): Update {
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
  const second = inverseRatio * (solverType === 'midpoint' ? 0.5 * first : signal + (h === 0 ? -signal : -first / h));
  return { ...none, fromX0: first + second, fromSample, fromPreviousX0: -second };
}

/** σ_t = √(1−ā_t)/√ā_t. */
function sigma(alphasCumprod: Float64Array, timestep: number): number {
  const { signal, noise } = signalAndNoise(alphasCumprod, timestep);
  return noise / signal;
}

/** How many levels, counted from timestep 0, have λ = −ln σ of at least `lambdaMinClipped`. */
function usableLevels({ alphasCumprod, lambdaMinClipped = -Infinity }: DpmSolverOptions): number {
  const count = alphasCumprod.filter((_, t) => -Math.log(sigma(alphasCumprod, t)) >= lambdaMinClipped).length;
  if (count === 0) {
    throw new OptionError(
      `lambdaMinClipped must leave some noise level to start from, found ${lambdaMinClipped}, which leaves none: ` +
        'choose a smaller value',
    );
  }
  return count;
}
