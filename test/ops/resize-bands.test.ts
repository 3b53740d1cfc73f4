import { describe, expect, it } from 'vitest';
import { type Band, composeBands, copyBands, fitBands, resizeBands } from '../../src/ops/resize-bands.js';

/** What bands make of a signal. */
function apply(bands: readonly Band[], signal: readonly number[]): number[] {
  return bands.map(({ begin, weights }) => weights.reduce((sum, weight, i) => sum + weight * (signal[begin + i] as number), 0));
}

const RAMP = Array.from({ length: 12 }, (_, i) => i);
/** The sum of each band's weights: 1, or 0 where it is black. */
const sums = (bands: readonly Band[]): number[] => bands.map(({ weights }) => Number(weights.reduce((a, b) => a + b, 0).toFixed(12)));

describe('a fit', () => {
  it('stretches both sides for themselves', () => {
    const [rows, columns] = fitBands([12, 6], [4, 12], 'stretch');
    expect([rows, columns]).toEqual([resizeBands(12, 4), resizeBands(6, 12)]);
  });

  it('pads what does not fill with black, in the middle', () => {
    // 12 × 6 into 8 × 9: by 2/3, to 8 × 4, with 2 columns before and 3 after.
    const [rows, columns] = fitBands([12, 6], [8, 9], 'pad');
    expect(rows).toEqual(resizeBands(12, 8));
    expect(sums(columns)).toEqual([0, 0, 1, 1, 1, 1, 0, 0, 0]);
    expect(columns.slice(2, 6)).toEqual(resizeBands(6, 4));
  });

  it('crops to the middle of what covers', () => {
    // 12 × 6 over 8 × 9: by 3/2, to 18 × 9, of which rows 5 … 12 are kept.
    const [rows, columns] = fitBands([12, 6], [8, 9], 'crop');
    expect(rows).toEqual(resizeBands(12, 18, 5, 8));
    expect(columns).toEqual(resizeBands(6, 9));
  });

  it.each(['stretch', 'pad', 'crop'] as const)('%s: has every output of every shape', (fit) => {
    for (const from of [
      [1, 1],
      [1, 500],
      [97, 3],
      [480, 640],
    ] as const) {
      for (const to of [
        [1, 1],
        [84, 84],
        [5, 300],
      ] as const) {
        const bands = fitBands(from, to, fit);
        bands.forEach((axis, i) => {
          expect(axis).toHaveLength(to[i] as number);
          for (const { begin, weights } of axis) {
            expect(begin).toBeGreaterThanOrEqual(0);
            expect(begin + weights.length).toBeLessThanOrEqual(from[i] as number);
          }
          expect(sums(axis).every((sum) => sum === 1 || (fit === 'pad' && sum === 0))).toBe(true);
          expect(sums(axis)).toContain(1);
        });
      }
    }
  });
});

describe('one resampling after another', () => {
  it('is what the second makes of what the first makes', () => {
    const signal = RAMP.map((i) => Math.sin(i * 1.3));
    const [, padded] = fitBands([1, 12], [2, 20], 'pad');
    for (const inner of [resizeBands(12, 20), padded, resizeBands(12, 5)]) {
      for (const outer of [copyBands(1, 3), resizeBands(inner.length, 7), resizeBands(inner.length, 30, 4, 9)]) {
        const expected = apply(outer, apply(inner, signal));
        apply(composeBands(outer, inner), signal).forEach((value, i) => expect(value).toBeCloseTo(expected[i] as number, 12));
      }
    }
  });

  it('stays black where everything that it reads is', () => {
    expect(composeBands(copyBands(0, 1), [{ begin: 0, weights: [] }])).toEqual([{ begin: 0, weights: [] }]);
  });
});
