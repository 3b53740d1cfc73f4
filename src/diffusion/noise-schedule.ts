import { OptionError } from '../foundation/errors.js';
import { checkChoice, checkObject } from '../foundation/options.js';
import { shownValue } from '../foundation/shown.js';
import { BETA_SCHEDULES, type NoiseScheduleOptions } from '../spec/noise-schedule.js';
import { MOST_LEVELS } from './solver-step.js';

/**
 * `exact`: float64 throughout.
 * `pytorch`: as diffusers computes the table that checkpoints were trained with. β is rounded to float32, α = 1 − β is
 * a float32 subtraction, the running product is kept in float64 and each entry is rounded to float32. The two differ by
 * 1.3e-5 relative at the last level of `squaredcos_cap_v2`, which a policy does see.
 */
export type ScheduleArithmetic = 'exact' | 'pytorch';

/** Largest β of `squaredcos_cap_v2`; without the cap the last level would be pure noise and 1/√ā infinite. */
const MAX_BETA = 0.999;

/** The sigmoid schedule takes the logistic function from −6 to 6. */
const SIGMOID_END = 6;

type Round = (value: number) => number;

/** β_t, the variance that noise level t adds; shape [N]. Throws OptionError for an unusable schedule. */
export function betas(options: NoiseScheduleOptions, arithmetic: ScheduleArithmetic): Float64Array {
  checkObject('alphasCumprod', 'options', options);
  const count = options.numTrainTimesteps;
  if (!Number.isInteger(count) || count < 1 || count > MOST_LEVELS) {
    throw new OptionError(
      `numTrainTimesteps must be a positive integer up to ${MOST_LEVELS}, found ${shownValue(count)}: correct the noise schedule`,
    );
  }
  const round = rounding(arithmetic);
  const plain = plainBetas(options, round);
  return options.rescaleBetasZeroSnr ? rescaledToZeroSnr(plain, round) : plain;
}

/**
 * ā_t = ∏_{i ≤ t} (1 − β_i), the share of signal variance left at noise level t; shape [N], strictly decreasing.
 * Source: Ho et al. 2020, §2; diffusers `alphas_cumprod`.
 */
export function alphasCumprod(options: NoiseScheduleOptions, arithmetic: ScheduleArithmetic): Float64Array {
  checkChoice('alphasCumprod', 'arithmetic', arithmetic, ['exact', 'pytorch']);
  return products(betas(options, arithmetic), rounding(arithmetic));
}

function plainBetas(options: NoiseScheduleOptions, round: Round): Float64Array {
  const { betaStart, betaEnd, numTrainTimesteps: count } = options;
  switch (options.betaSchedule) {
    case 'squaredcos_cap_v2':
      return Float64Array.from({ length: count }, (_, i) =>
        round(Math.min(1 - cosineSquared((i + 1) / count) / cosineSquared(i / count), MAX_BETA)),
      );
    case 'linear':
      checkBetaRange(options);
      return linspace(betaStart, betaEnd, count, round);
    case 'scaled_linear':
      checkBetaRange(options);
      return linspace(Math.sqrt(betaStart), Math.sqrt(betaEnd), count, round).map((root) => round(root * root));
    case 'sigmoid':
      checkBetaRange(options);
      return linspace(-SIGMOID_END, SIGMOID_END, count, round).map((x) =>
        round(round(round(1 / (1 + Math.exp(-x))) * round(betaEnd - betaStart)) + round(betaStart)),
      );
    default:
      throw unknownSchedule(options.betaSchedule);
  }
}

function products(all: Float64Array, round: Round): Float64Array {
  // Only the stored entries are rounded, never the running product: PyTorch's cumprod accumulates in float64.
  let product = 1;
  return all.map((beta) => {
    product *= round(1 - beta);
    return round(product);
  });
}

/** Lin et al. 2023, algorithm 1: √ā is shifted and scaled so that the first level stays and the last one is pure noise. */
function rescaledToZeroSnr(plain: Float64Array, round: Round): Float64Array {
  const roots = products(plain, round).map((alphaBar) => round(Math.sqrt(alphaBar)));
  const [first = 1, last = 0] = [roots[0], roots.at(-1)];
  const scale = round(first / round(first - last));
  const levels = roots.map((root) => round(round(round(root - last) * scale) ** 2));
  return levels.map((level, i) => round(1 - (i === 0 ? level : round(level / (levels[i - 1] ?? 1)))));
}

function rounding(arithmetic: ScheduleArithmetic): Round {
  return arithmetic === 'pytorch' ? Math.fround : (value) => value;
}

/** f(u) of the cosine schedule, Nichol and Dhariwal 2021, eq. 17. */
function cosineSquared(u: number): number {
  return Math.cos(((u + 0.008) / 1.008) * (Math.PI / 2)) ** 2;
}

/** As `torch.linspace` computes it: every operation rounded, and each half counted from its own end. */
function linspace(first: number, last: number, count: number, round: Round): Float64Array {
  const step = count > 1 ? round(round(round(last) - round(first)) / (count - 1)) : 0;
  return Float64Array.from({ length: count }, (_, i) =>
    i < count / 2 ? round(round(first) + round(step * i)) : round(round(last) - round(step * (count - 1 - i))),
  );
}

function checkBetaRange({ betaStart, betaEnd, betaSchedule }: NoiseScheduleOptions): void {
  const isBeta = (beta: unknown): boolean => typeof beta === 'number' && beta > 0 && beta < 1;
  if (!isBeta(betaStart) || !isBeta(betaEnd)) {
    throw new OptionError(
      `betaStart and betaEnd of the ${betaSchedule} schedule must lie between 0 and 1, ` +
        `found ${shownValue(betaStart)} and ${shownValue(betaEnd)}: use those that the policy was trained with`,
    );
  }
}

function unknownSchedule(name: never): OptionError {
  return new OptionError(`betaSchedule must be one of ${BETA_SCHEDULES.join(', ')}, found ${shownValue(name)}: choose one of these`);
}
