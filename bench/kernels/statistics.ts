import { type Summary, summarize } from '../../src/foundation/statistics.js';

const STATISTICS = ['count', 'p25', 'p50', 'p75', 'p95', 'p99'] as const;

/** What is said of a number of samples. */
export type Statistics = Pick<Summary, (typeof STATISTICS)[number]>;

/** @throws TypeError without samples. */
export function describeSamples(samples: readonly number[]): Statistics {
  const statistics = summarize(samples, STATISTICS);
  if (!statistics) throw new TypeError('statistics need at least one sample');
  return statistics;
}

/** Six digits: records of thousands of samples stay small, and no clock knows more. */
export function rounded(samples: readonly number[]): number[] {
  return samples.map((value) => Number(value.toPrecision(6)));
}
