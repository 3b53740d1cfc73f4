import { nearestRank } from '../foundation/nearest-rank.js';

/** How ratios are spread over directions and situations; quantiles by nearest rank, so that each of them was measured. */
export interface RatioSpread {
  readonly count: number;
  readonly mean: number;
  readonly min: number;
  readonly p5: number;
  readonly p50: number;
  readonly p95: number;
  readonly max: number;
  /** Share of the ratios above 1, 0 … 1: there the map expands. */
  readonly shareAbove1: number;
}

/** `ratios`: at least one. */
export function summarizeRatios(ratios: readonly number[]): RatioSpread {
  const sorted = [...ratios].sort((a, b) => a - b);
  const count = sorted.length;
  const rank = (fraction: number): number => nearestRank(sorted, fraction) as number;
  return {
    count,
    mean: sorted.reduce((sum, ratio) => sum + ratio, 0) / count,
    min: rank(0),
    p5: rank(0.05),
    p50: rank(0.5),
    p95: rank(0.95),
    max: rank(1),
    shareAbove1: sorted.filter((ratio) => ratio > 1).length / count,
  };
}
