import { TEXTURE_WIDTH } from '../../kernels/lib/kernel.js';
import {
  BLOCK_LANES,
  blockChunks,
  CHUNK_BYTES,
  chunkPairs,
  type WeightPlace,
  type WeightStorage,
} from '../../kernels/lib/weight-storage.wgsl.js';
import { HalfRangeError } from '../foundation/errors.js';
import { packF16, roundToF16 } from '../foundation/half.js';
import { alignUp } from '../runtime/buffers.js';
import type { Precision } from '../spec/precision.js';
import type { MatrixView } from './matrix-view.js';
import { carryCodes, outputScales, quantizeBlock } from './quantize.js';
import { chooseWeightPlace } from './variants.js';
import type { WeightLoader } from './weight-source.js';

/** Output channels of a block. */
const BLOCK_CHANNELS = 4 * BLOCK_LANES;
/** Pairs (whole chunks) that are packed for all channels of a block before the next ones: what they fill stays in a near cache. */
const PAIRS_AT_ONCE = 64;

/** Weights of a block of output channels, padding included. */
export function blockSize(storage: WeightStorage, view: MatrixView): number {
  return blockChunks(storage, view.taps, view.rows / view.taps) * BLOCK_LANES * chunkPairs(storage) * 4;
}

/**
 * The weights of one block of a view in the order of weight-storage.wgsl.ts, as f32: chunk by chunk, lane by lane, the
 * pairs of a chunk, four output channels. What is past the last row or column is 0.
 */
export function packBlock(source: Float32Array, view: MatrixView, storage: WeightStorage, block: number, out: Float32Array): void {
  const { rows, taps, offset, inputStride, outputStride } = view;
  const pairs = chunkPairs(storage);
  const first = block * BLOCK_CHANNELS;
  const columns = Math.min(BLOCK_CHANNELS, view.columns - first);
  const size = blockSize(storage, view);
  if (columns < BLOCK_CHANNELS || size > rows * BLOCK_CHANNELS) out.fill(0, 0, size);
  // From the last pair of a chunk to the first one of the next, in elements.
  const nextChunk = BLOCK_CHANNELS * pairs - 4 * (pairs - 1);
  for (let start = 0; start < rows; start += PAIRS_AT_ONCE) {
    const end = Math.min(start + PAIRS_AT_ONCE, rows);
    for (let column = 0; column < columns; column++) {
      const base = offset + (first + column) * outputStride;
      let target = start * BLOCK_CHANNELS + (column >> 2) * pairs * 4 + (column & 3);
      let pair = 0;
      let tap = start % taps;
      let from = base + ((start - tap) / taps) * inputStride + tap;
      for (let row = start; row < end; row++) {
        out[target] = source[from] as number;
        if (++pair === pairs) {
          pair = 0;
          target += nextChunk;
        } else {
          target += 4;
        }
        if (++tap === taps) {
          tap = 0;
          from += inputStride - taps;
        }
        from++;
      }
    }
  }
}

/** A matrix on the device, in the layout of weight-storage.wgsl.ts. */
export interface DeviceMatrix {
  readonly weight: GPUBuffer | GPUTexture;
  readonly place: WeightPlace;
  /** Of `weight`, padding of blocks included; a texture has whole rows, and so more. */
  readonly bytes: number;
  /** f32 per output channel, padded to a multiple of 4; for int8 alone. */
  readonly weightScale?: GPUBuffer | undefined;
  readonly storage: WeightStorage;
  /** Whether codes of int8 are carried (weight-storage.wgsl.ts). Default false. */
  readonly carried?: boolean | undefined;
}

/** How a matrix is stored where the caller knows better. */
export interface MatrixStorage {
  /** Default: as the loader's precision says. */
  readonly storage?: WeightStorage;
  /** Whether its reader can do with carried codes, where the device's variants are faster with these. Default true. */
  readonly carried?: boolean;
}

/**
 * Matrices with at most this many input or output channels stay f32 when the precision is int8. They join the network to
 * observations and actions: they weigh nothing, and rounding them is what an int8 predictor suffered from most.
 */
const NARROW = 16;

/** How a matrix is stored when a network is loaded in this precision. */
export function matrixStorage(precision: Precision, view: MatrixView): WeightStorage {
  return storageOf(precision, view.rows / view.taps, view.columns);
}

/** How a matrix between so many channels is stored. */
export function storageOf(precision: Precision, inChannels: number, outChannels: number): WeightStorage {
  return precision === 'int8' && Math.min(inChannels, outChannels) <= NARROW ? 'f32' : precision;
}

/**
 * Brings a matrix to the device, where the device's variants read it from.
 */
export async function uploadMatrix(
  loader: WeightLoader,
  label: string,
  values: Float32Array,
  view: MatrixView,
  { storage = matrixStorage(loader.precision, view), carried: mayCarry = true }: MatrixStorage = {},
): Promise<DeviceMatrix> {
  const { uploader } = loader;
  const place = chooseWeightPlace(uploader.device);
  const carried = mayCarry && storage === 'int8' && place === 'texture';
  const size = blockSize(storage, view);
  const blocks = Math.ceil(view.columns / BLOCK_CHANNELS);
  const scales = storage === 'int8' ? outputScales(values, view, alignUp(view.columns, 4), label) : undefined;
  const packed = new Float32Array(size);
  const blockWords = (size * chunkBytesPerWeight(storage)) / 4;
  const fill = (words: Uint32Array, first: number): void => {
    for (let word = 0; word < words.length; word += blockWords) {
      const block = (first + word) / blockWords;
      packBlock(values, view, storage, block, packed);
      encode(packed, words.subarray(word, word + blockWords), scales?.subarray(block * BLOCK_CHANNELS), label);
    }
    if (carried) carryCodes(words);
  };
  const words = blocks * blockWords;
  const weight =
    place === 'texture'
      ? await uploader.uploadTexture(label, TEXTURE_WIDTH, words, fill, blockWords)
      : await uploader.upload(label, words, fill, blockWords);
  const weightScale = scales && (await uploader.uploadFloats(`scales of ${label}`, scales));
  return { weight, place, bytes: words * 4, weightScale, storage, carried };
}

function chunkBytesPerWeight(storage: WeightStorage): number {
  return CHUNK_BYTES / (4 * chunkPairs(storage));
}

/** Packed weights of a block as the device stores them; `scales` of its channels, for int8. */
function encode(packed: Float32Array, words: Uint32Array, scales: Float32Array | undefined, label: string): void {
  const bytesPerWeight = words.byteLength / packed.length;
  if (scales) {
    quantizeBlock(packed, scales, new Int8Array(words.buffer, words.byteOffset, packed.length));
  } else if (bytesPerWeight === 2) {
    assertFits(packF16(packed, new Uint16Array(words.buffer, words.byteOffset, packed.length)), packed, label);
  } else {
    new Float32Array(words.buffer, words.byteOffset, packed.length).set(packed);
  }
}

/**
 * Brings a vector (bias, scale of a norm, position table) to the device. It stays f32 in memory, but has f16 values
 * when the precision is f16: an f16 run is then exactly an f32 run over rounded weights. int8 leaves vectors as they are.
 */
export async function uploadVector(loader: WeightLoader, label: string, values: Float32Array): Promise<GPUBuffer> {
  const padded = new Float32Array(alignUp(values.length, 4));
  padded.set(values);
  roundVector(loader, label, padded);
  return loader.uploader.uploadFloats(label, padded);
}

/** Rounds values in place to what the loader's precision can hold. */
export function roundVector(loader: WeightLoader, label: string, values: Float32Array): void {
  if (loader.precision === 'f16') roundHalves(label, values);
}

/** Rounds values in place to halves. @throws HalfRangeError. */
export function roundHalves(label: string, values: Float32Array): void {
  // The message shall name the value that was there, not the infinity it became.
  const before = values.slice();
  assertFits(roundToF16(values), before, label);
}

function assertFits(overflow: number, values: Float32Array, label: string): void {
  if (overflow < 0) return;
  throw new HalfRangeError(`${label} holds ${values[overflow]}, f16 ends at 65504: load this checkpoint with precision 'f32'.`);
}
