import { describe, expect, it } from 'vitest';
import type { NoiseKey, PhiloxCounter, PhiloxKey } from '../../src/diffusion/philox.js';
import { fillNormal, philox4x32 } from '../../src/diffusion/philox.js';
import { OptionError } from '../../src/foundation/errors.js';

const KEY: NoiseKey = { seed: 42, episode: 3, decision: 5, purpose: 0 };

function normals(count: number, key: Partial<NoiseKey> = {}): Float32Array {
  const out = new Float32Array(count);
  fillNormal(out, { ...KEY, ...key });
  return out;
}

describe('Philox4x32-10', () => {
  // The known-answer vectors published with the generator (Random123).
  it.each<[PhiloxCounter, PhiloxKey, number[]]>([
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ])('maps counter %j and key %j to the published words', (counter, key, expected) => {
    expect(philox4x32(counter, key)).toEqual(expected);
  });
});

describe('normal noise', () => {
  it('has the moments of a standard normal, and no correlation between neighbours', () => {
    const count = 200_000;
    const sample = normals(count);
    const mean = (f: (z: number, i: number) => number) => sample.reduce((sum, z, i) => sum + f(z, i), 0) / count;
    // Bounds of five standard errors: √(1, 2, 15, 96)/√count for the first four moments.
    const bound = (variance: number) => 5 * Math.sqrt(variance / count);
    expect(Math.abs(mean((z) => z))).toBeLessThan(bound(1));
    expect(Math.abs(mean((z) => z ** 2) - 1)).toBeLessThan(bound(2));
    expect(Math.abs(mean((z) => z ** 3))).toBeLessThan(bound(15));
    expect(Math.abs(mean((z) => z ** 4) - 3)).toBeLessThan(bound(96));
    for (const lag of [1, 2, 3, 4]) {
      expect(Math.abs(mean((z, i) => z * (sample[(i + lag) % count] ?? NaN)))).toBeLessThan(bound(1));
    }
    expect(sample.every((z) => Math.abs(z) < 6.8)).toBe(true);
  });

  it('depends on the key and the position alone, not on how much is drawn or when', () => {
    const long = normals(33);
    for (const count of [0, 1, 2, 3, 4, 5, 7, 32]) expect(normals(count)).toEqual(long.slice(0, count));
    normals(9, { purpose: 1 });
    expect(normals(33)).toEqual(long);
  });

  it('differs between seeds, episodes, decisions and purposes', () => {
    const streams = [
      {},
      { seed: 43 },
      { seed: 42 + 2 ** 32 },
      { episode: 4 },
      { decision: 6 },
      { purpose: 1 },
      { episode: 5, decision: 3 },
    ].map((key) => normals(4, key).join());
    expect(new Set(streams).size).toBe(streams.length);
  });

  it('refuses keys that would silently fall together with others', () => {
    for (const seed of [-1, 0.5, 2 ** 53, NaN]) expect(() => normals(4, { seed })).toThrow(OptionError);
    for (const word of [-1, 0.5, 2 ** 32, NaN]) {
      expect(() => normals(4, { episode: word })).toThrow(/episode.*found/);
      expect(() => normals(4, { decision: word })).toThrow(/decision.*found/);
      expect(() => normals(4, { purpose: word })).toThrow(/purpose.*found/);
    }
  });
});
