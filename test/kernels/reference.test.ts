import { describe, expect, it } from 'vitest';
import { erfc, gelu, mish } from '../support/reference.js';

/** The references are compared with published values, so that kernel and reference cannot share a mistake. */
describe('float64 references', () => {
  it('erfc agrees with Abramowitz and Stegun, table 7.1, and is smooth where its two forms meet', () => {
    expect(erfc(0)).toBe(1);
    expect(erfc(0.5)).toBeCloseTo(0.4795001221869535, 15);
    expect(erfc(1)).toBeCloseTo(0.15729920705028513, 15);
    expect(erfc(-1)).toBeCloseTo(1.8427007929497148, 15);
    expect(erfc(3) / 2.209049699858544e-5).toBeCloseTo(1, 12);
    expect(erfc(2 - 1e-12)).toBeCloseTo(erfc(2), 11);
  });

  it('GELU and Mish agree with PyTorch', () => {
    expect(gelu(1)).toBeCloseTo(0.8413447460685429, 14);
    expect(gelu(-2)).toBeCloseTo(-0.04550026389635842, 14);
    expect(mish(1)).toBeCloseTo(0.8650983882673103, 14);
    expect(mish(-1)).toBeCloseTo(-0.30340146137410895, 14);
    expect(mish(1e4)).toBe(1e4);
  });
});
