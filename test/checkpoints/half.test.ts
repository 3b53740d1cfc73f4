import { describe, expect, it } from 'vitest';
import { f16BitsToF32, f32ToBf16Bits, f32ToF16Bits, packF16, roundToF16 } from '../../src/foundation/half.js';

/** The definition of binary16, written as arithmetic. */
function reference(code: number): number {
  const sign = code & 0x8000 ? -1 : 1;
  const exponent = (code >> 10) & 31;
  const fraction = (code & 1023) / 1024;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** -14 : sign * (1 + fraction) * 2 ** (exponent - 15);
}

describe('f16', () => {
  it('converts all 65,536 codes exactly, both ways', () => {
    for (let code = 0; code < 0x10000; code++) {
      const value = f16BitsToF32(code);
      if (!Object.is(value, reference(code))) expect.fail(`code ${code} became ${value}`);
      const back = f32ToF16Bits(value);
      // NaNs keep being NaN; their payload carries nothing.
      const isRight = Number.isNaN(value) ? (back & 0x7c00) === 0x7c00 && (back & 0x3ff) !== 0 : back === code;
      if (!isRight) expect.fail(`${value} became code ${back}, not ${code}`);
    }
  });

  it('rounds to nearest, ties to even, between every pair of neighbours', () => {
    const ulp = 2 ** -24; // an f32 step smaller than half the distance of any two halves, relative
    for (let code = 0; code < 0x7bff; code++) {
      const low = reference(code);
      const middle = (low + reference(code + 1)) / 2;
      const even = code % 2 === 0 ? code : code + 1;
      const results = [middle * (1 - ulp * 2), middle, middle * (1 + ulp * 2)].map((value) => f32ToF16Bits(Math.fround(value)));
      if (results[0] !== code || results[1] !== even || results[2] !== code + 1) {
        expect.fail(`around ${middle}: ${results.join(', ')} instead of ${code}, ${even}, ${code + 1}`);
      }
      if (f32ToF16Bits(-middle) !== (even | 0x8000)) expect.fail(`-${middle} is not the mirror image`);
    }
  });

  it('rounds a wider value to f32 first, where halves are subnormal too', () => {
    // Just below the middle of two halves; as f32 it is the middle, a tie that goes to the even code.
    expect(f32ToF16Bits(1.5 * 2 ** -24 - 2 ** -50)).toBe(2);
    expect(f32ToF16Bits(1.5 + 2 ** -11 - 2 ** -40)).toBe(f32ToF16Bits(Math.fround(1.5 + 2 ** -11)));
  });

  it('goes to infinity from 65520 on and to zero below half of the smallest subnormal', () => {
    expect(f32ToF16Bits(65519.996)).toBe(0x7bff);
    expect(f32ToF16Bits(65520)).toBe(0x7c00);
    expect(f32ToF16Bits(-1e38)).toBe(0xfc00);
    expect(f32ToF16Bits(2 ** -25)).toBe(0);
    expect(f32ToF16Bits(-(2 ** -25))).toBe(0x8000);
    expect(f32ToF16Bits(2 ** -25 * (1 + 2 ** -23))).toBe(1);
    expect(f32ToF16Bits(1e-45)).toBe(0);
  });

  it('rounds and packs whole arrays, and reports the first finite value that overflows', () => {
    const values = Float32Array.of(1 / 3, -0, 70000, Infinity, 1e9);
    const codes = new Uint16Array(5);
    expect(packF16(values, codes)).toBe(2);
    expect([...codes]).toEqual([0x3555, 0x8000, 0x7c00, 0x7c00, 0x7c00]);
    expect(roundToF16(values)).toBe(2);
    expect([...values]).toEqual([...codes].map(f16BitsToF32));
    expect(roundToF16(Float32Array.of(1, Infinity, NaN))).toBe(-1);
    expect(packF16(Float32Array.of(1, Infinity, NaN), codes)).toBe(-1);
  });
});

describe('bf16', () => {
  it('keeps the upper half of an f32, ties to even', () => {
    expect(f32ToBf16Bits(1)).toBe(0x3f80);
    expect(f32ToBf16Bits(1 + 2 ** -8)).toBe(0x3f80);
    expect(f32ToBf16Bits(1 + 3 * 2 ** -8)).toBe(0x3f82);
    expect(f32ToBf16Bits(-Infinity)).toBe(0xff80);
    expect(f32ToBf16Bits(NaN)).toBe(0x7fc0);
  });
});
