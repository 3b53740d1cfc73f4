import { describe, expect, it } from 'vitest';
import { BLOCK_LANES, chunkPairs } from '../../kernels/lib/weight-storage.wgsl.js';
import { quantizeBlock } from '../../src/ops/quantize.js';
import { roundedWeights } from '../../src/ops/rounded-weights.js';

/** The codes that a matrix of this scale is stored with: of the first lane's first channel, one a pair. */
function storedCodes(weights: readonly number[], scale: number): number[] {
  const pairs = chunkPairs('int8');
  const chunk = 4 * pairs;
  const block = new Float32Array(Math.ceil(weights.length / pairs) * chunk * BLOCK_LANES);
  const placeOf = (pair: number): number => Math.floor(pair / pairs) * chunk * BLOCK_LANES + 4 * (pair % pairs);
  weights.forEach((weight, pair) => {
    block[placeOf(pair)] = weight;
  });
  const out = new Int8Array(block.length);
  quantizeBlock(block, Float32Array.of(scale), out);
  return weights.map((_, pair) => out[placeOf(pair)] as number);
}

describe('weights as they are read back from int8', () => {
  it.each([1, 3, 7, 11, 49, 97, 103])('have the codes that they are stored with, halves too (scale %i)', (scale) => {
    // The largest sets the scale; all halves between codes are f32 numbers.
    const weights = [127 * scale, ...Array.from({ length: 127 }, (_, code) => [(code + 0.5) * scale, -(code + 0.5) * scale]).flat()].filter(
      (weight) => Math.abs(weight) <= 127 * scale,
    );
    const read = roundedWeights('int8', 'tensor "w"', Float32Array.from([...weights, ...weights.map(() => 0)]), 2);
    const codes = storedCodes(weights, scale);
    expect([...read.subarray(0, weights.length)]).toEqual(codes.map((code) => code * scale));
    expect(read.subarray(weights.length).every((weight) => weight === 0)).toBe(true);
  });
});
