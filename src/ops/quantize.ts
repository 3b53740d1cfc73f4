import { BLOCK_LANES, chunkPairs } from '../../kernels/lib/weight-storage.wgsl.js';
import { OptionError } from '../foundation/errors.js';
import type { MatrixView } from './matrix-view.js';

/** Largest int8 code: −128 is left out, so that a weight and its negative have codes of the same size. */
const LARGEST_CODE = 127;
/** Smallest normal f32: a device may read anything smaller as 0. */
const SMALLEST_SCALE = 2 ** -126;
/** 1.5 · 2^52: a float64 that it is added to has no fraction left, rounded to nearest, ties to even. */
const ROUNDING_MAGIC = 6755399441055744;

/**
 * Scales of a symmetric int8 quantisation, one per output channel (column) of a matrix: max|w| / 127 as f32, padded with
 * zeros to `width`. 0 where all weights of a channel are zero, or too small for a scale that a device keeps.
 * @throws OptionError for weights that are not finite.
 */
export function outputScales(values: Float32Array, view: MatrixView, width: number, label: string): Float32Array {
  const { rows, columns, taps, offset, inputStride, outputStride } = view;
  const scales = new Float32Array(width);
  for (let column = 0; column < columns; column++) {
    const base = offset + column * outputStride;
    let largest = 0;
    for (let input = 0; input < rows / taps; input++) {
      for (let tap = 0; tap < taps; tap++) {
        const size = Math.abs(values[base + input * inputStride + tap] as number);
        // Written so that NaN is found as well.
        if (!(size <= largest)) largest = size;
        if (!(size < Infinity)) {
          throw new OptionError(`${label} holds ${size}, int8 has finite values alone: load this checkpoint with precision 'f32'.`);
        }
      }
    }
    const scale = Math.fround(largest / LARGEST_CODE);
    scales[column] = scale < SMALLEST_SCALE ? 0 : scale;
  }
  return scales;
}

/**
 * The code of a weight: the nearest integer to weight · inverse, ties to even. `inverse`: 1 / scale of its output channel in float64,
 * 0 for a scale of 0. Whoever makes codes makes them with this: a quotient rounds some ties the other way.
 */
export function codeOf(weight: number, inverse: number): number {
  return weight * inverse + ROUNDING_MAGIC - ROUNDING_MAGIC;
}

/**
 * Packed weights of a block (int8 chunks: per lane, four pairs of four channels) as codes (`codeOf`); 0 where the scale
 * is 0, or missing because the channel is padding.
 */
export function quantizeBlock(packed: Float32Array, scales: Float32Array, out: Int8Array): void {
  const inverses = Float64Array.from({ length: 4 * BLOCK_LANES }, (_, channel) => (scales[channel] ? 1 / scales[channel] : 0));
  const chunk = 4 * chunkPairs('int8');
  for (let first = 0; first < packed.length; first += chunk) {
    const lane = (first / chunk) % BLOCK_LANES;
    for (let i = 0; i < chunk; i++) {
      const inverse = inverses[4 * lane + (i & 3)] as number;
      out[first + i] = codeOf(packed[first + i] as number, inverse);
    }
  }
}

/**
 * Carries the codes of every word in place: four signed bytes c₀ … c₃, lowest first, become c₀ + 2⁸ c₁ + 2¹⁶ c₂ + 2²⁴ c₃, so that a byte above a
 * negative one is less by 1 (weight-storage.wgsl.ts says what for). Codes of at most 127 leave no carry out of the word.
 */
export function carryCodes(words: Uint32Array): void {
  const codes = new Int8Array(words.buffer, words.byteOffset, words.byteLength);
  for (let word = 0; word < words.length; word++) {
    const code = (row: number): number => codes[4 * word + row] as number;
    words[word] = code(0) + (code(1) << 8) + (code(2) << 16) + (code(3) << 24);
  }
}
