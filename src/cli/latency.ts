import { type Summary, summarize } from '../foundation/statistics.js';

const STATISTICS = ['count', 'mean', 'p50', 'p95', 'p99', 'max'] as const;

/** Latencies of a number of decisions, in milliseconds. */
export type LatencySummary = Pick<Summary, (typeof STATISTICS)[number]>;

/** Undefined without measurements. */
export function summarizeLatencies(values: readonly number[]): LatencySummary | undefined {
  return summarize(values, STATISTICS);
}
