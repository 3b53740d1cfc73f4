import { nearestRank } from '../../src/foundation/nearest-rank.js';

/** What is said of a number of samples. Percentiles are by nearest rank: each of them was measured. */
export interface Statistics {
  readonly count: number;
  readonly p25: number;
  readonly p50: number;
  readonly p75: number;
  readonly p95: number;
  readonly p99: number;
}

/** @throws TypeError without samples. */
export function describeSamples(samples: readonly number[]): Statistics {
  if (samples.length === 0) throw new TypeError('statistics need at least one sample');
  const sorted = [...samples].sort((a, b) => a - b);
  const rank = (fraction: number): number => nearestRank(sorted, fraction) as number;
  return { count: sorted.length, p25: rank(0.25), p50: rank(0.5), p75: rank(0.75), p95: rank(0.95), p99: rank(0.99) };
}

/** Six digits: records of thousands of samples stay small, and no clock knows more. */
export function rounded(samples: readonly number[]): number[] {
  return samples.map((value) => Number(value.toPrecision(6)));
}
