import { philox4x32 } from '../diffusion/philox.js';
import { OptionError } from '../foundation/errors.js';
import { nearestRank, type Summary, summarize } from '../foundation/statistics.js';

/** A range that holds the true value with 95 % confidence. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

const QUANTILES = ['count', 'p50', 'p95', 'p99'] as const;

export type Quantiles = Pick<Summary, (typeof QUANTILES)[number]>;

/** Values of two strategies on equal seeds, compared pair by pair. */
export interface PairedDifference {
  /** Mean of value − baseline. */
  readonly mean: number;
  readonly interval: Interval;
  /** Pairs in which the value is larger, equal, smaller than the baseline. */
  readonly wins: number;
  readonly ties: number;
  readonly losses: number;
}

const RESAMPLES = 10_000;
/** Two-sided 95 %: what lies outside is split evenly between the tails. */
const TAIL = 0.025;
/** Quantile of the standard normal that leaves `TAIL` above it. */
const Z = 1.959963984540054;
/** Second word of the Philox key ("boot"): no stream of noise of an evaluation has it. */
const PURPOSE = 0x626f6f74;

/** @throws OptionError for no values. */
export function mean(values: readonly number[]): number {
  if (values.length === 0) throw new OptionError('a mean needs at least one value, found none: evaluate at least one episode');
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Variance with n − 1 in the denominator. @throws OptionError for fewer than two values. */
export function sampleVariance(values: readonly number[]): number {
  if (values.length < 2) throw new OptionError(`a variance needs at least two values, found ${values.length}: evaluate more episodes`);
  const centre = mean(values);
  return values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1);
}

/** Undefined without measurements. */
export function quantiles(values: readonly number[]): Quantiles | undefined {
  return summarize(values, QUANTILES);
}

/**
 * Bootstrap over episodes (Efron 1979): which episodes each of the 10,000 resamples consists of. The draw depends on the
 * seed and the number of episodes alone, so all strategies of a record share it, and the same record gives the same
 * intervals everywhere.
 */
export class Bootstrap {
  /** [RESAMPLES][count], flattened. */
  readonly #indices: Uint32Array;
  readonly #count: number;

  constructor(count: number, seed: number) {
    if (!Number.isInteger(count) || count < 1) {
      throw new OptionError(`a bootstrap needs at least one value, found ${count}: evaluate at least one episode`);
    }
    this.#count = count;
    this.#indices = new Uint32Array(RESAMPLES * count);
    for (let block = 0; 4 * block < this.#indices.length; block++) {
      const words = philox4x32([block, count, Math.floor(seed / 2 ** 32), 0], [seed >>> 0, PURPOSE]);
      // The upper bits of word · count: without the bias and the division of a remainder.
      const indices = words.map((word) => Math.floor((word * count) / 2 ** 32));
      this.#indices.set(indices.slice(0, this.#indices.length - 4 * block), 4 * block);
    }
  }

  /** Percentile interval of the mean of `values`, [count]. @throws OptionError for another number of values. */
  interval(values: readonly number[]): Interval {
    const count = this.#count;
    if (values.length !== count) {
      throw new OptionError(`this bootstrap is over ${count} values, found ${values.length}: make another`);
    }
    const numbers = Float64Array.from(values);
    const means = new Float64Array(RESAMPLES);
    for (let resample = 0; resample < RESAMPLES; resample++) {
      let sum = 0;
      for (let place = resample * count; place < (resample + 1) * count; place++) {
        sum += numbers[this.#indices[place] as number] as number;
      }
      means[resample] = sum / count;
    }
    means.sort();
    return { low: nearestRank(means, TAIL) as number, high: nearestRank(means, 1 - TAIL) as number };
  }
}

/** Entry i of both lists belongs to the same seed. @throws OptionError for lists of different lengths, or none. */
export function pairedDifference(values: readonly number[], baseline: readonly number[], bootstrap: Bootstrap): PairedDifference {
  if (values.length !== baseline.length) {
    throw new OptionError(`paired values must be equally many, found ${values.length} and ${baseline.length}: pair them by seed`);
  }
  const differences = values.map((value, index) => value - (baseline[index] as number));
  return {
    mean: mean(differences),
    interval: bootstrap.interval(differences),
    wins: differences.filter((difference) => difference > 0).length,
    ties: differences.filter((difference) => difference === 0).length,
    losses: differences.filter((difference) => difference < 0).length,
  };
}

/**
 * Interval of a share (Wilson 1927, score interval). A bootstrap would claim certainty where all episodes, or none, were a
 * success; this does not. @throws OptionError for no trials.
 */
export function wilsonInterval(successes: number, trials: number): Interval {
  if (trials < 1) throw new OptionError('a success rate needs at least one episode, found none: evaluate at least one episode');
  const share = successes / trials;
  const centre = share + Z ** 2 / (2 * trials);
  const spread = Z * Math.sqrt((share * (1 - share)) / trials + Z ** 2 / (4 * trials ** 2));
  const scale = 1 + Z ** 2 / trials;
  return { low: Math.max(0, (centre - spread) / scale), high: Math.min(1, (centre + spread) / scale) };
}
