import { OptionError } from '../foundation/errors.js';
import { checkChoice, checkKeys } from '../foundation/options.js';
import { shownNumbers } from '../foundation/shown.js';

/** One number for all dimensions of the action, or one for each, in the units of the action. */
export type PerDimension = number | ArrayLike<number>;

/** What an action may be. */
export interface ActionLimits {
  readonly low?: PerDimension;
  readonly high?: PerDimension;
  /**
   * Largest change from the action sent last, per dimension. Ticks without an action do not add up to a larger one. It
   * comes before `low` and `high`: a robot that stands outside of them moves back no faster than this.
   */
  readonly maxChange?: PerDimension;
  /** 'clamp' (default) sends the nearest action within the limits; 'stop' sends none, and stops the loop. */
  readonly mode?: 'clamp' | 'stop';
}

/** A value that was outside of its limits. */
export interface LimitHit {
  readonly dimension: number;
  readonly limit: 'low' | 'high' | 'maxChange';
  readonly wanted: number;
  readonly allowed: number;
}

export interface LimitedAction {
  /** f64, so that a clamped value is the limit itself and not the f32 next to it, which may lie outside. */
  readonly action: Float64Array;
  readonly hits: readonly LimitHit[];
}

/** Checked limits. */
export class Limiter {
  readonly mode: 'clamp' | 'stop';
  readonly #low: readonly number[];
  readonly #high: readonly number[];
  readonly #maxChange: readonly number[];

  /** @throws OptionError. */
  constructor(limits: ActionLimits, actionDim: number) {
    checkKeys('limits', limits, ['low', 'high', 'maxChange', 'mode']);
    this.mode = checkChoice('limits', 'mode', limits.mode ?? 'clamp', ['clamp', 'stop']);
    this.#low = perDimension('low', limits.low ?? -Infinity, actionDim);
    this.#high = perDimension('high', limits.high ?? Infinity, actionDim);
    this.#maxChange = perDimension('maxChange', limits.maxChange ?? Infinity, actionDim);
    this.#low.forEach((low, d) => {
      const high = this.#high[d] as number;
      if (low > high) throw new OptionError(`limits: low must be at most high, found ${low} and ${high} in dimension ${d}.`);
    });
    const still = this.#maxChange.findIndex((change) => change <= 0);
    if (still >= 0) throw new OptionError(`limits: maxChange must be positive, found ${this.#maxChange[still]} in dimension ${still}.`);
  }

  /** `last`: the action sent last; without it the change is not limited. */
  apply(wanted: ArrayLike<number>, last: ArrayLike<number> | undefined): LimitedAction {
    const hits: LimitHit[] = [];
    const action = Float64Array.from(wanted, (value, dimension) => {
      const bounded = clamp(value, this.#low[dimension] as number, this.#high[dimension] as number);
      const from = last?.[dimension] ?? bounded;
      const change = this.#maxChange[dimension] as number;
      const allowed = clamp(bounded, from - change, from + change);
      if (allowed !== value) {
        const limit = allowed !== bounded ? 'maxChange' : value < bounded ? 'low' : 'high';
        hits.push({ dimension, limit, wanted: value, allowed });
      }
      return allowed;
    });
    return { action, hits };
  }
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}

function perDimension(name: string, given: PerDimension, actionDim: number): number[] {
  const isThere = typeof given === 'object' && given !== null && given.length === actionDim;
  const values = Array.from({ length: actionDim }, (_, d): unknown => (isThere ? given[d] : given));
  if (!values.every((value): value is number => typeof value === 'number' && !Number.isNaN(value))) {
    const wanted = `a number or ${actionDim} numbers, one per dimension of the action`;
    throw new OptionError(`limits: ${name} must be ${wanted}, found ${shownNumbers(given)}.`);
  }
  return values;
}
