import { OptionError } from '../foundation/errors.js';
import { type Summary, summarize } from '../foundation/statistics.js';

const STATISTICS = ['count', 'mean', 'min', 'p5', 'p50', 'p95', 'max'] as const;

/** How ratios are spread over directions and situations. */
export interface RatioSpread extends Pick<Summary, (typeof STATISTICS)[number]> {
  /** Share of the ratios above 1, 0 … 1: there the map expands. */
  readonly shareAbove1: number;
}

/** @throws OptionError for no ratios. */
export function summarizeRatios(ratios: readonly number[]): RatioSpread {
  const summary = summarize(ratios, STATISTICS);
  if (!summary) throw new OptionError('a spread needs at least one ratio, found none: measure one at least');
  return { ...summary, shareAbove1: ratios.filter((ratio) => ratio > 1).length / ratios.length };
}
