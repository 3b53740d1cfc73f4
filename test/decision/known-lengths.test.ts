import { describe, expect, it } from 'vitest';
import { REHEARSED } from '../../src/decision/decision-input.js';
import { KnownLengths } from '../../src/decision/known-lengths.js';

const USUAL = { ...REHEARSED };
const FIRST = { ...REHEARSED };

describe('how long decisions are known to take', () => {
  it('is nothing before three of them, of the same schedule', () => {
    const lengths = new KnownLengths();
    for (let i = 0; i < 2; i++) lengths.note(USUAL, 1);
    for (let i = 0; i < 5; i++) lengths.note(FIRST, 1);
    expect(lengths.isWithin(USUAL, 1000)).toBe(false);
    lengths.note(USUAL, 1);
    expect([lengths.isWithin(USUAL, 1), lengths.isWithin(USUAL, 0.9)]).toEqual([true, false]);
    expect(lengths.isWithin(USUAL, -Infinity)).toBe(false);
  });

  it('follows from neither first runs nor outliers, and follows a device that becomes slower or faster', () => {
    const lengths = new KnownLengths();
    const noted = (...ms: number[]): boolean => {
      for (const one of ms) lengths.note(USUAL, one);
      return lengths.isWithin(USUAL, 1.5);
    };
    expect(noted(5493, 4396, 1)).toBe(false);
    expect(noted(1, 1)).toBe(true);
    expect(noted(30, 1, 30, 1)).toBe(true);
    expect(noted(2, 2)).toBe(false);
    expect(noted(1, 1, 1)).toBe(true);
  });
});
