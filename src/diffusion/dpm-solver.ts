import { OptionError } from '../foundation/errors.js';
import { checkNumber } from '../foundation/options.js';
import { shownValue } from '../foundation/shown.js';
import type { TimestepSpacing } from '../spec/sampling.js';
import { type KarrasTimestep, karrasLevels, sigmaAt, signalAndNoiseOf } from './noise-ratio.js';
import type { Schedule, SolverOptions, SolverStep } from './solver-step.js';
import { checkSolverOptions, makeSchedule, networkOutputTerms, signalAndNoise } from './solver-step.js';
import { multistepTimesteps } from './timesteps.js';

export const SOLVER_TYPES = ['midpoint', 'heun'] as const;
export type SolverType = (typeof SOLVER_TYPES)[number];
export const FINAL_SIGMAS = ['zero', 'sigma-min'] as const;
export type FinalSigma = (typeof FINAL_SIGMAS)[number];
/** diffusers' two deprecated types, which integrate the noise instead of the chunk, are not here. */
export const ALGORITHM_TYPES = ['dpmsolver++', 'sde-dpmsolver++'] as const;
export type AlgorithmType = (typeof ALGORITHM_TYPES)[number];

/** Defaults are those of diffusers' `DPMSolverMultistepScheduler`. */
export interface DpmSolverOptions extends SolverOptions {
  /** Default `linspace`. */
  readonly timestepSpacing?: TimestepSpacing;
  /** Added to the timesteps of leading spacing; default 0. */
  readonly stepsOffset?: number;
  /** 1, 2 (default) or 3; the first steps, and the last ones of short schedules, have a lower order. */
  readonly solverOrder?: number;
  /** `dpmsolver++` (default) follows the ODE, `sde-dpmsolver++` draws noise at every step but the last. Of order 1 and 2. */
  readonly algorithmType?: AlgorithmType;
  /** Form of the second-order term; default `midpoint`. */
  readonly solverType?: SolverType;
  /** Where the last step ends: at the clean chunk (`zero`, default) or at the level of timestep 0 (`sigma-min`). */
  readonly finalSigma?: FinalSigma;
  /** Whether schedules with fewer than 15 steps end with lower orders; default true. */
  readonly lowerOrderFinal?: boolean;
  /** Whether the last step is of first order whatever else holds; default false. */
  readonly eulerAtFinal?: boolean;
  /** Leaves out the levels whose λ = ln(√ā/√(1−ā)) lies below this; default −∞. −5.1 starts at 98 of 100 levels. */
  readonly lambdaMinClipped?: number;
  /** Takes the levels of Karras et al. 2022 from the first to the last one, in place of spacing and lambdaMinClipped. Default false. */
  readonly useKarrasSigmas?: boolean;
  /** Which timestep the network is told at such a level; default `nearest`. diffusers: `below` for squaredcos_cap_v2. */
  readonly karrasTimestep?: KarrasTimestep;
}

/** Schedules with fewer steps end with lower orders, as diffusers' `lower_order_final` has it. */
const SHORT_SCHEDULE = 15;

/**
 * DPM-Solver++ multistep of order 1, 2 or 3 (Lu et al. 2022, arXiv 2211.01095, algorithm 2), and its SDE form. The result of the last
 * step with `finalSigma` `zero` is exactly that step's x0. Throws OptionError for unusable options.
 */
export function dpmSolverSchedule(options: DpmSolverOptions): Schedule {
  checkSolverOptions('dpmSolverSchedule', options);
  const { alphasCumprod, finalSigma = 'zero' } = options;
  const form = formOf(options);
  const { timesteps, sigmas } = visitedLevels(options);
  const levels = [...sigmas, finalLevel(finalSigma, alphasCumprod)];
  return makeSchedule(
    'DPM-Solver++',
    timesteps.map((t, i) => {
      const path = { older: levels[i - 2] ?? 0, previous: levels[i - 1] ?? 0, current: levels[i] ?? 0, next: levels[i + 1] ?? 0 };
      const level = options.useKarrasSigmas ? signalAndNoiseOf(path.current) : signalAndNoise(alphasCumprod, t);
      return { ...networkOutputTerms(options, t, level), ...multistepUpdate(orderOf(options, i, timesteps.length), path, form) };
    }),
  );
}

/** Noise-to-signal ratios on the way: of the two steps before (as far as there are), of this one, and where it leads. */
interface Path {
  readonly older: number;
  readonly previous: number;
  readonly current: number;
  readonly next: number;
}

interface Form {
  readonly isSde: boolean;
  readonly solverType: SolverType;
}

type Update = Pick<SolverStep, 'fromX0' | 'fromEps' | 'fromSample' | 'fromPreviousX0' | 'fromOlderX0' | 'fromNoise'>;

/** The order of step i of `count`: as many steps must lie behind it, and the end is of lower order. */
function orderOf(options: DpmSolverOptions, i: number, count: number): number {
  const { solverOrder = 2, lowerOrderFinal = true, eulerAtFinal = false, finalSigma = 'zero' } = options;
  const lowers = lowerOrderFinal && count < SHORT_SCHEDULE;
  if (i === count - 1 && (lowers || eulerAtFinal || finalSigma === 'zero')) return 1;
  return Math.min(solverOrder, i + 1, i === count - 2 && lowers ? 2 : solverOrder);
}

function multistepUpdate(order: number, path: Path, { isSde, solverType }: Form): Update {
  const { current, next } = path;
  const none = { fromEps: 0, fromPreviousX0: 0, fromOlderX0: 0, fromNoise: 0 };
  // The limit h → ∞, stated instead of left to arithmetic with infinities: the step returns exactly x0.
  if (next === 0) return { ...none, fromX0: 1, fromSample: 0 };
  const signal = 1 / Math.sqrt(1 + next * next);
  const h = Math.log(current / next);
  // Noise that is drawn anew decays twice as fast.
  const decay = isSde ? 2 * h : h;
  const kept = (next * signal) / (current / Math.sqrt(1 + current * current));
  const first = -signal * Math.expm1(-decay);
  const base = {
    ...none,
    fromX0: first,
    fromSample: isSde ? kept * Math.exp(-h) : kept,
    fromNoise: isSde ? next * signal * Math.sqrt(-Math.expm1(-decay)) : 0,
  };
  if (order === 1 || h === 0) return base;
  if (order === 3) return { ...base, ...thirdOrder(path, signal, first, h) };
  // D = (m − m_previous)/r with 1/r = h/h0.
  const second = (h / Math.log(path.previous / current)) * (solverType === 'midpoint' ? 0.5 * first : signal - first / decay);
  return { ...base, fromX0: first + second, fromPreviousX0: -second };
}

/** The update by divided differences of the last three x0 (Lu et al. 2022, algorithm 2's successor in diffusers), in λ. */
function thirdOrder({ older, previous, current }: Path, signal: number, first: number, h: number): Partial<Update> {
  const r0 = Math.log(previous / current) / h;
  const r1 = Math.log(older / previous) / h;
  const slope = signal - first / h;
  const curvature = -signal * ((Math.expm1(-h) + h) / (h * h) - 0.5);
  const newer = (slope * (1 + r0 / (r0 + r1)) + curvature / (r0 + r1)) / r0;
  const before = (slope * r0 + curvature) / (r0 + r1) / r1;
  return { fromX0: first + newer, fromPreviousX0: -newer - before, fromOlderX0: before };
}

/** The timesteps that are visited, and the noise-to-signal ratio of each. */
function visitedLevels(options: DpmSolverOptions): { timesteps: readonly number[]; sigmas: readonly number[] } {
  const { alphasCumprod, steps, timestepSpacing = 'linspace', stepsOffset = 0 } = options;
  if (options.useKarrasSigmas) return karrasLevels(alphasCumprod, steps, options.karrasTimestep ?? 'nearest');
  const timesteps = multistepTimesteps(timestepSpacing, steps, alphasCumprod.length, usableLevels(options), stepsOffset);
  return { timesteps, sigmas: timesteps.map((t) => sigmaAt(alphasCumprod, t)) };
}

/** σ where the last step ends. */
function finalLevel(finalSigma: FinalSigma, alphasCumprod: Float64Array): number {
  switch (finalSigma) {
    case 'zero':
      return 0;
    case 'sigma-min':
      return sigmaAt(alphasCumprod, 0);
    default:
      throw unknownWord('finalSigma', FINAL_SIGMAS, finalSigma);
  }
}

/** How many levels, counted from timestep 0, have λ = −ln σ of at least `lambdaMinClipped`. */
function usableLevels({ alphasCumprod, lambdaMinClipped = -Infinity }: DpmSolverOptions): number {
  checkNumber('dpmSolverSchedule', 'lambdaMinClipped', lambdaMinClipped, 'a number', (value) => !Number.isNaN(value));
  const count = alphasCumprod.filter((_, t) => -Math.log(sigmaAt(alphasCumprod, t)) >= lambdaMinClipped).length;
  if (count === 0) {
    throw new OptionError(
      `lambdaMinClipped must leave some noise level to start from, found ${shownValue(lambdaMinClipped)}, which leaves none: ` +
        'choose a smaller value',
    );
  }
  return count;
}

function formOf({ algorithmType = 'dpmsolver++', solverType = 'midpoint', solverOrder = 2 }: DpmSolverOptions): Form {
  if (!ALGORITHM_TYPES.includes(algorithmType)) throw unknownWord('algorithmType', ALGORITHM_TYPES, algorithmType);
  if (!SOLVER_TYPES.includes(solverType)) throw unknownWord('solverType', SOLVER_TYPES, solverType);
  if (!(solverOrder === 1 || solverOrder === 2 || solverOrder === 3)) throw unknownWord('solverOrder', ['1', '2', '3'], solverOrder);
  const isSde = algorithmType === 'sde-dpmsolver++';
  if (isSde && solverOrder === 3) {
    throw new OptionError('solverOrder must be 1 or 2 for sde-dpmsolver++, found 3: it has no third order here');
  }
  return { isSde, solverType };
}

function unknownWord(option: string, words: readonly string[], found: unknown): OptionError {
  return new OptionError(
    `${option} must be ${words.slice(0, -1).join(', ')} or ${words.at(-1)}, found ${shownValue(found)}: choose one of these`,
  );
}
