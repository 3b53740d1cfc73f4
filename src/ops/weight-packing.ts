import { packF16, roundToF16 } from '../half.js';
import { OptionError } from '../errors.js';
import { alignUp } from '../runtime/buffers.js';
import type { WeightLoader } from './weight-source.js';

/**
 * A weight matrix inside a tensor, as a kernel reads it: rows are (input channel, tap), columns are output channels.
 * Element [row, column] is at `offset + ⌊row / taps⌋ · inputStride + (row mod taps) + column · outputStride`.
 */
export interface MatrixView {
  readonly rows: number;
  readonly columns: number;
  readonly taps: number;
  readonly offset: number;
  readonly inputStride: number;
  readonly outputStride: number;
}

/** View of a convolution's tensor [out][in][tap]; a linear layer's [out][in] has one tap. */
export function convView(outChannels: number, inChannels: number, taps: number): MatrixView {
  const rows = inChannels * taps;
  return { rows, columns: outChannels, taps, offset: 0, inputStride: taps, outputStride: rows };
}

/** View of a transposed convolution's tensor [in][out][tap]. */
export function convTransposeView(outChannels: number, inChannels: number, taps: number): MatrixView {
  return {
    rows: inChannels * taps,
    columns: outChannels,
    taps,
    offset: 0,
    inputStride: outChannels * taps,
    outputStride: taps,
  };
}

/** Output channels side by side in the packed order: a cache line of f32. */
const BLOCK = 16;

/** Rows [first, first + count) of a view in the packed order [row][column], columns padded with zeros to `width`. */
export function packRows(source: Float32Array, view: MatrixView, first: number, count: number, width: number, out: Float32Array): void {
  const { columns, taps, offset, inputStride, outputStride } = view;
  if (width > columns) out.fill(0, 0, count * width);
  // Blocks of columns, so that a cache line of the output is complete before it is left.
  for (let block = 0; block < columns; block += BLOCK) {
    const end = Math.min(block + BLOCK, columns);
    for (let row = 0; row < count; row++) {
      const input = Math.floor((first + row) / taps);
      const base = offset + input * inputStride + (first + row - input * taps);
      const target = row * width;
      for (let column = block; column < end; column++) {
        out[target + column] = source[base + column * outputStride] as number;
      }
    }
  }
}

/** Brings a matrix to the device in the layout of conv1d.wgsl.ts, in the loader's precision. */
export async function uploadMatrix(loader: WeightLoader, label: string, values: Float32Array, view: MatrixView): Promise<GPUBuffer> {
  const width = alignUp(view.columns, 4);
  if (loader.precision === 'f32') {
    return loader.uploader.upload(
      label,
      view.rows * width,
      (words, first) => {
        const part = new Float32Array(words.buffer, words.byteOffset, words.length);
        packRows(values, view, first / width, words.length / width, width, part);
      },
      width,
    );
  }
  const rowWords = width / 2;
  let part = new Float32Array(0);
  return loader.uploader.upload(
    label,
    view.rows * rowWords,
    (words, first) => {
      if (part.length < words.length * 2) part = new Float32Array(words.length * 2);
      const floats = part.subarray(0, words.length * 2);
      packRows(values, view, first / rowWords, words.length / rowWords, width, floats);
      assertFits(packF16(floats, new Uint16Array(words.buffer, words.byteOffset, words.length * 2)), floats, label);
    },
    rowWords,
  );
}

/**
 * Brings a vector (bias, scale of a norm, position table) to the device. It stays f32 in memory, but has f16 values
 * when the precision is f16: an f16 run is then exactly an f32 run over rounded weights.
 */
export async function uploadVector(loader: WeightLoader, label: string, values: Float32Array): Promise<GPUBuffer> {
  const padded = new Float32Array(alignUp(values.length, 4));
  padded.set(values);
  roundVector(loader, label, padded);
  return loader.uploader.uploadFloats(label, padded);
}

/** Rounds values in place to what the loader's precision can hold. */
export function roundVector(loader: WeightLoader, label: string, values: Float32Array): void {
  if (loader.precision !== 'f16') return;
  // The message shall name the value that was there, not the infinity it became.
  const before = values.slice();
  assertFits(roundToF16(values), before, label);
}

function assertFits(overflow: number, values: Float32Array, label: string): void {
  if (overflow < 0) return;
  throw new OptionError(
    `${label} holds ${values[overflow]}, f16 ends at 65504: load this checkpoint with precision 'f32'.`,
  );
}
