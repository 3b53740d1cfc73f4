import { describe, expect, it } from 'vitest';
import { summarizeRatios } from '../../src/analysis/spread.js';

describe('the spread of ratios', () => {
  it('is of values that were measured, in whatever order they come', () => {
    const ratios = Array.from({ length: 100 }, (_, i) => ((i * 37) % 100) / 50);
    expect(summarizeRatios(ratios)).toEqual({
      count: 100,
      mean: expect.closeTo(0.99, 10) as number,
      min: 0,
      p5: 0.08,
      p50: 0.98,
      p95: 1.88,
      max: 1.98,
      shareAbove1: 0.49,
    });
  });

  it('of one value is that value; 1 itself is not above 1', () => {
    expect(summarizeRatios([1])).toEqual({ count: 1, mean: 1, min: 1, p5: 1, p50: 1, p95: 1, max: 1, shareAbove1: 0 });
  });
});
