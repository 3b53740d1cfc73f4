import { describe, expect, it } from 'vitest';
import { BLOCK_LANES, chunkPairs } from '../../kernels/lib/weight-storage.wgsl.js';
import { OptionError } from '../../src/foundation/errors.js';
import { convTransposeView, convView, type MatrixView } from '../../src/ops/matrix-view.js';
import { carryCodes, outputScales, quantizeBlock } from '../../src/ops/quantize.js';
import { matrixStorage } from '../../src/ops/weight-packing.js';

/** Weights of a chunk. */
const LANE = 4 * chunkPairs('int8');

const scalesOf = (values: readonly number[], view: MatrixView): number[] => [
  ...outputScales(Float32Array.from(values), view, Math.ceil(view.columns / 4) * 4, 'tensor "w"'),
];

/** Codes of weights of one lane: four pairs of four channels, with these scales; the other lanes are channels of padding. */
function codes(weights: readonly number[], scales: readonly number[]): number[] {
  const block = new Float32Array(LANE * BLOCK_LANES);
  block.set(weights);
  // Staging memory holds what the last upload left in it.
  const out = new Int8Array(block.length).fill(99);
  quantizeBlock(block, Float32Array.from(scales), out);
  expect(out.subarray(LANE).every((code) => code === 0)).toBe(true);
  return [...out.subarray(0, weights.length)];
}

describe('scales of int8 weights', () => {
  it('are max|w| / 127 over inputs and taps of each output channel, zeros behind the last one', () => {
    // [output][input][tap]: 2 × 2 × 2.
    expect(scalesOf([1, -254, 3, 4, 127, 5, 6, -7], convView(2, 2, 2))).toEqual([2, 1, 0, 0]);
    // The same numbers as [input][output][tap].
    expect(scalesOf([1, -254, 3, 4, 127, 5, 6, -127 / 2], convTransposeView(2, 2, 2))).toEqual([2, 0.5, 0, 0]);
    // A part of a wider matrix, as FiLM's: columns 1 and 2 of [output][input].
    expect(scalesOf([999, 127, 1, 999, 2, 254], { rows: 2, columns: 2, taps: 1, offset: 1, inputStride: 1, outputStride: 3 })).toEqual([
      1, 2, 0, 0,
    ]);
  });

  it('are f32 numbers', () => {
    expect(scalesOf([1], convView(1, 1, 1))[0]).toBe(Math.fround(1 / 127));
  });

  it('are 0 for a channel of zeros, and for one that is too small for a scale that devices keep', () => {
    expect(scalesOf([0, -0, 1e-38, 2 ** -126, 2 ** -119, 0], convView(3, 2, 1))).toEqual([0, 0, Math.fround(2 ** -119 / 127), 0]);
  });

  it.each([NaN, Infinity, -Infinity])('refuse %f, by tensor name', (value) => {
    expect(() => scalesOf([1, value, 2, 3], convView(2, 2, 1))).toThrow(OptionError);
    expect(() => scalesOf([1, value, 2, 3], convView(2, 2, 1))).toThrow(/tensor "w" holds .*precision 'f32'/);
  });
});

describe('codes of int8 weights', () => {
  it('are the nearest integers of weight / scale, ties to even', () => {
    expect(codes([0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 0.49, -1.51], [1, 1, 1, 1])).toEqual([0, 2, 2, 0, -2, -2, 0, -2]);
  });

  it('use the scale of their channel, whichever pair, lane and chunk they are in', () => {
    expect(codes([10, 10, 10, 10, -20, -20, -20, -20], [1, 2, 4, 8])).toEqual([10, 5, 2, 1, -20, -10, -5, -2]);
    const scales = Float32Array.from({ length: 4 * BLOCK_LANES }, (_, channel) => channel + 1);
    const chunks = 3;
    const out = new Int8Array(chunks * BLOCK_LANES * LANE);
    // 100 times its scale divided by a number of the chunk: 100, 50, 33.
    const weights = Float32Array.from(out, (_, i) => {
      const channel = 4 * (Math.floor(i / LANE) % BLOCK_LANES) + (i % 4);
      return (100 * (channel + 1)) / (1 + Math.floor(i / (LANE * BLOCK_LANES)));
    });
    quantizeBlock(weights, scales, out);
    const lane = (code: number): number[] => new Array<number>(LANE * BLOCK_LANES).fill(code);
    expect([...out]).toEqual([...lane(100), ...lane(50), ...lane(33)]);
  });

  it('never leave −127 … 127, whatever the largest weight rounds to', () => {
    for (const largest of [1, 0.1, 1 / 3, 12345.678, 3e38, 2 ** -118]) {
      const weights = [largest, -largest, largest / 4, 0];
      const [scale = 0] = scalesOf(weights, convView(1, 4, 1));
      expect(codes(weights, [scale, scale, scale, scale])).toEqual([127, -127, 32, 0]);
    }
  });

  it('are 0 where the scale is 0', () => {
    expect(codes([1e-40, -1e-40, 0, -0], [0, 0, 0, 0])).toEqual([0, 0, 0, 0]);
  });
});

describe('carried codes', () => {
  /** What a kernel makes of a word: row r moved to the top, as a signed integer; and from there what it settles sums of one weight to. */
  const settled = (word: number): number[] => {
    const values = [24, 16, 8, 0].map((shift) => Math.fround(word << shift));
    return values.map((value, row) => (value - (values[row - 1] ?? 0) / 256) / 2 ** 24);
  };

  it('are those of a word as one number, from which every code comes back', () => {
    const words: (readonly [number, number, number, number])[] = [];
    const ends = [-127, -64, -1, 0, 1, 2, 127];
    for (const a of ends) for (const b of ends) for (const c of ends) for (const d of ends) words.push([a, b, c, d]);
    const carried = new Uint32Array(Int8Array.from(words.flat()).buffer);
    carryCodes(carried);
    words.forEach((codes, i) => {
      expect(carried[i]).toBe(codes.reduce((sum, code, row) => sum + code * 2 ** (8 * row), 0) >>> 0);
      const found = settled(carried[i] as number);
      codes.forEach((code, row) =>
        expect(Math.abs((found[row] as number) - code)).toBeLessThanOrEqual(row < 3 || code === 0 ? 0 : 2 ** -18),
      );
    });
  });

  it('of a word without a negative code are the same bytes, and a part of a buffer leaves the rest alone', () => {
    const words = new Uint32Array(Int8Array.of(-1, -2, -3, -4, 1, 2, 3, 4, -5, 6, -7, 8).buffer);
    carryCodes(words.subarray(1, 2));
    expect([...new Int8Array(words.buffer)]).toEqual([-1, -2, -3, -4, 1, 2, 3, 4, -5, 6, -7, 8]);
    carryCodes(words.subarray(2));
    expect([...new Int8Array(words.buffer).subarray(8)]).toEqual([-5, 5, -7, 7]);
  });
});

describe('storage of a matrix', () => {
  const wide = convView(512, 64, 5);

  it('is the precision that was asked for', () => {
    expect((['f32', 'f16', 'int8'] as const).map((precision) => matrixStorage(precision, wide))).toEqual(['f32', 'f16', 'int8']);
  });

  it('stays f32 in int8 networks where it joins actions or observations: at most 16 channels on a side', () => {
    expect([convView(512, 16, 5), convView(2, 512, 1), convTransposeView(16, 512, 4)].map((view) => matrixStorage('int8', view))).toEqual([
      'f32',
      'f32',
      'f32',
    ]);
    expect(matrixStorage('int8', convView(17, 17, 5))).toBe('int8');
    expect(matrixStorage('f16', convView(2, 512, 1))).toBe('f16');
  });
});
