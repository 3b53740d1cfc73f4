/** Where a row or column of the result is taken from: two neighbours and their weights, in units of 2^-precision. */
interface Taps {
  readonly first: Int32Array;
  readonly second: Int32Array;
  readonly firstWeight: Int32Array;
  readonly secondWeight: Int32Array;
  readonly precision: number;
}

/** Most bits that a weight of 16 bits can have. */
const MOST_BITS = 22;
const WEIGHT_LIMIT = 2 ** 15;

/**
 * Bytes [height][width][channels] in another size: bilinear, corners not aligned, not antialiased; first along the rows, then along the columns,
 * rounded to bytes after each with weights of 16 bits, as PyTorch's kernel for u8 does on x86. LeRobot's server resizes so, with
 * torch.nn.functional.interpolate.
 */
export function resizeBytes(
  bytes: Uint8Array,
  [height, width]: readonly [number, number],
  channels: number,
  [toHeight, toWidth]: readonly [number, number],
): Uint8Array {
  const along = width === toWidth ? bytes : resizeRows(bytes, height, width, channels, toWidth);
  return height === toHeight ? along : resizeColumns(along, height, toWidth * channels, toHeight);
}

function resizeRows(bytes: Uint8Array, height: number, width: number, channels: number, toWidth: number): Uint8Array {
  const { first, second, firstWeight, secondWeight, precision } = tapsOf(width, toWidth);
  const result = new Uint8Array(height * toWidth * channels);
  const half = 2 ** (precision - 1);
  for (let row = 0; row < height; row++) {
    for (let x = 0; x < toWidth; x++) {
      const a = (row * width + (first[x] as number)) * channels;
      const b = (row * width + (second[x] as number)) * channels;
      const to = (row * toWidth + x) * channels;
      for (let c = 0; c < channels; c++) {
        result[to + c] =
          ((bytes[a + c] as number) * (firstWeight[x] as number) + (bytes[b + c] as number) * (secondWeight[x] as number) + half) >>
          precision;
      }
    }
  }
  return result;
}

/** `width`: values of a row. */
function resizeColumns(bytes: Uint8Array, height: number, width: number, toHeight: number): Uint8Array {
  const { first, second, firstWeight, secondWeight, precision } = tapsOf(height, toHeight);
  const result = new Uint8Array(toHeight * width);
  const half = 2 ** (precision - 1);
  for (let y = 0; y < toHeight; y++) {
    const a = (first[y] as number) * width;
    const b = (second[y] as number) * width;
    for (let i = 0; i < width; i++) {
      result[y * width + i] =
        ((bytes[a + i] as number) * (firstWeight[y] as number) + (bytes[b + i] as number) * (secondWeight[y] as number) + half) >>
        precision;
    }
  }
  return result;
}

function tapsOf(from: number, to: number): Taps {
  const first = new Int32Array(to);
  const second = new Int32Array(to);
  const weights = new Float64Array(to);
  for (let i = 0; i < to; i++) {
    const place = Math.max(((i + 0.5) * from) / to - 0.5, 0);
    first[i] = Math.min(Math.floor(place), from - 1);
    second[i] = Math.min(first[i] as number, from - 2) + 1;
    if (from === 1) second[i] = 0;
    weights[i] = place - (first[i] as number);
  }
  const largest = weights.reduce((most, weight) => Math.max(most, weight, 1 - weight), 0);
  let precision = 0;
  while (precision < MOST_BITS && Math.floor(0.5 + largest * 2 ** (precision + 1)) < WEIGHT_LIMIT) precision++;
  const scaled = (weight: number): number => Math.floor(0.5 + weight * 2 ** precision);
  return {
    first,
    second,
    firstWeight: Int32Array.from(weights, (weight) => scaled(1 - weight)),
    secondWeight: Int32Array.from(weights, scaled),
    precision,
  };
}
