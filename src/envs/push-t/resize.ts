/** Weights are integers of 11 fractional bits. */
const ONE = 2048;

/** For every pixel of the result along one axis: the two source pixels it lies between, and the second one's weight. */
interface Taps {
  readonly first: Int32Array;
  readonly second: Int32Array;
  readonly weight: Int32Array;
}

function tapsOf(from: number, to: number): Taps {
  const taps = { first: new Int32Array(to), second: new Int32Array(to), weight: new Int32Array(to) };
  for (let i = 0; i < to; i++) {
    // Centres of pixels lie at half: the picture as a whole is stretched, not the distance between first and last pixel.
    const position = Math.fround((i + 0.5) * (from / to) - 0.5);
    const first = Math.floor(position);
    taps.first[i] = Math.max(first, 0);
    taps.second[i] = Math.min(first + 1, from - 1);
    taps.weight[i] = Math.round((position - first) * ONE);
  }
  return taps;
}

/**
 * A square RGB picture [from, from, 3] as [to, to, 3], bilinear and without antialiasing: like OpenCV's `resize` with
 * INTER_LINEAR on bytes, pixels between the samples are skipped.
 *
 * OpenCV works in integers, and a sum here is cut where it cuts: along a row weights of 11 bits give sums of 8 + 11 bits;
 * of these the lowest 4 are dropped, so that the product with a row's weight fits 32 bits; of each product 16 are dropped,
 * and of the sum of two rows the last 2, rounded. The result can be one below the rounded exact value.
 */
export function resizeBilinear(picture: Uint8Array, from: number, to: number): Uint8Array {
  const result = new Uint8Array(to * to * 3);
  const taps = tapsOf(from, to);
  const alongRow = (row: number, x: number, channel: number): number => {
    const weight = taps.weight[x] ?? 0;
    const sample = (column: number): number => picture[(row * from + column) * 3 + channel] ?? 0;
    return sample(taps.first[x] ?? 0) * (ONE - weight) + sample(taps.second[x] ?? 0) * weight;
  };
  for (let y = 0; y < to; y++) {
    const [upper, lower, weight] = [taps.first[y] ?? 0, taps.second[y] ?? 0, taps.weight[y] ?? 0];
    for (let x = 0; x < to; x++) {
      for (let channel = 0; channel < 3; channel++) {
        const above = ((alongRow(upper, x, channel) >> 4) * (ONE - weight)) >> 16;
        const below = ((alongRow(lower, x, channel) >> 4) * weight) >> 16;
        result[(y * to + x) * 3 + channel] = (above + below + 2) >> 2;
      }
    }
  }
  return result;
}
