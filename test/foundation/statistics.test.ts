import { describe, expect, it } from 'vitest';
import { nearestRank, summarize } from '../../src/foundation/statistics.js';

describe('a summary', () => {
  const values = Array.from({ length: 200 }, (_, i) => ((i * 37) % 200) + 1);

  it('has what is asked for, in that order', () => {
    const found = summarize(values, ['max', 'count', 'mean', 'min', 'p5', 'p25', 'p50', 'p75', 'p95', 'p99']);
    expect(found).toEqual({ max: 200, count: 200, mean: 100.5, min: 1, p5: 10, p25: 50, p50: 100, p75: 150, p95: 190, p99: 198 });
    expect(Object.keys(summarize(values, ['p95', 'count']) ?? {})).toEqual(['p95', 'count']);
  });

  it('sorts as numbers, and leaves the values as they were', () => {
    const unsorted = [10, 9, -1, 100];
    expect(summarize(unsorted, ['min', 'p50', 'max'])).toEqual({ min: -1, p50: 9, max: 100 });
    expect(unsorted).toEqual([10, 9, -1, 100]);
  });

  it('of no values is undefined', () => {
    expect(summarize([], ['count'])).toBeUndefined();
    expect(nearestRank([], 0.5)).toBeUndefined();
  });
});
