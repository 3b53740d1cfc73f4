import { describe, expect, it } from 'vitest';
import type { StallRule } from '../../src/diffusion/stall.js';
import { chunkDistance, isStalled } from '../../src/diffusion/stall.js';
import { OptionError } from '../../src/foundation/errors.js';

// Chunks of 4 rows × 2 numbers, of which rows 1 and 2 are executed.
const layout = { actionDim: 2, firstRow: 1, rows: 2 };
const older = new Float32Array(8);
const newer = Float32Array.of(8, 0, 3, 0, 0, -4, 0, 0);
const rule: StallRule = { norm: 'rms', rows: 'executed', space: 'normalized', eps: 0.01 };

describe('the distance of two chunks', () => {
  it.each([
    ['rms', 'executed', Math.sqrt(25 / 4)],
    ['l2', 'executed', 5],
    ['linf', 'executed', 4],
    ['rms', 'all', Math.sqrt(89 / 8)],
    ['l2', 'all', Math.sqrt(89)],
    ['linf', 'all', 8],
  ] as const)('by %s over %s rows', (norm, rows, expected) => {
    expect(chunkDistance({ norm, rows }, newer, older, layout)).toBeCloseTo(expected, 12);
  });

  it('needs chunks of one size that contain the executed rows', () => {
    expect(() => chunkDistance(rule, newer, older.subarray(1), layout)).toThrow(/found 8 and 7 numbers/);
    expect(() => chunkDistance(rule, newer, older, { ...layout, firstRow: 3 })).toThrow(OptionError);
    expect(() => chunkDistance(rule, newer, older, { ...layout, firstRow: -1 })).toThrow(OptionError);
    expect(() => chunkDistance(rule, newer, older, { ...layout, rows: 0 })).toThrow(OptionError);
  });
});

describe('a stall', () => {
  it('is a distance strictly below eps', () => {
    expect(isStalled({ ...rule, norm: 'l2', eps: 5 }, newer, older, layout)).toBe(false);
    expect(isStalled({ ...rule, norm: 'l2', eps: 5.001 }, newer, older, layout)).toBe(true);
  });

  it('looks at the executed rows alone unless told otherwise', () => {
    const pastRowMoved = Float32Array.of(1, 1, 0, 0, 0, 0, 0, 0);
    expect(isStalled(rule, pastRowMoved, older, layout)).toBe(true);
    expect(isStalled({ ...rule, rows: 'all' }, pastRowMoved, older, layout)).toBe(false);
  });

  it('is never found in chunks with NaN', () => {
    for (const norm of ['rms', 'l2', 'linf'] as const) {
      const broken = Float32Array.of(0, 0, NaN, 0, 0, 0, 0, 0);
      expect(isStalled({ ...rule, norm, eps: 1e9 }, broken, older, layout)).toBe(false);
    }
  });
});
