import { packF16 } from '../../src/foundation/half.js';
import type { TrainedMatrix, TrainedVectors } from '../../src/ops/backward/trained-weights.js';
import type { BufferHandle } from '../../src/runtime/plan-builder.js';
import { newRows, type Rows, rowsTensor } from '../../src/runtime/rows.js';
import { stepUniform } from '../../src/training/plan/step-scalars.js';
import type { LinearMap } from './reference-gradients.js';
import type { OpRecorder } from './run-op.js';
import type { Values } from './values.js';

const padded = (count: number): number => Math.ceil(count / 4) * 4;

/** Rows that hold these values; what pads them is 0. */
export function inputRows(op: OpRecorder, values: Values): Rows {
  const { batch, channels, length, data } = values;
  const stride = padded(channels);
  const words = new Float32Array(batch * length * stride);
  for (let b = 0; b < batch; b++) {
    for (let c = 0; c < channels; c++) {
      for (let t = 0; t < length; t++) words[(b * length + t) * stride + c] = data[(b * channels + c) * length + t] as number;
    }
  }
  return { buffer: op.buffer('rows', words), batch, length, channels, offset: 0, stride };
}

/** Rows to be written by an op and read back under `name`. Values that no op writes are read as NaN. */
export function outputRows(op: OpRecorder, name: string, batch: number, length: number, channels: number): Rows {
  const rows = newRows(op.builder, name, batch, length, channels);
  op.read(name, rowsTensor(rows));
  return rows;
}

/** The uniform of step scalars without an update. */
export function stepBuffer(op: OpRecorder, { accumulate = false, inverseCount = 1 } = {}): BufferHandle {
  return op.buffer('step', stepUniform(null, inverseCount, accumulate));
}

/** The halves of these values, two in a word. */
export function packedHalves(values: Float32Array): Uint32Array {
  const codes = new Uint16Array(values.length);
  packF16(values, codes);
  return new Uint32Array(codes.buffer);
}

/** A matrix as training keeps it, [tap][in][out]; its gradient begins as `before` everywhere and is read back under `name`. */
export function trainedMatrix(
  op: OpRecorder,
  name: string,
  map: LinearMap,
  inChannels: number,
  before: number,
  halves = false,
): TrainedMatrix {
  const { weight, outChannels, kernelSize: taps } = map;
  const rowStride = padded(outChannels);
  const tapStride = padded(inChannels) * rowStride;
  const words = new Float32Array(taps * tapStride);
  forEachWeight(map, inChannels, (index, at) => (words[at] = weight[index] as number));
  const gradient = op.buffer(name, new Float32Array(words.length).fill(before));
  op.readWords(name, gradient);
  return {
    weight: { buffer: op.buffer('weight', halves ? packedHalves(words) : words) },
    halves,
    gradient: { buffer: gradient },
    taps,
    inChannels,
    outChannels,
    rowStride,
    tapStride,
  };
}

/** A gradient of such a matrix in the order of its tensor. */
export function matrixGradient(words: Uint32Array, map: LinearMap, inChannels: number): Float64Array {
  const floats = new Float32Array(words.buffer, words.byteOffset, words.length);
  const tensor = new Float64Array(map.weight.length);
  forEachWeight(map, inChannels, (index, at) => (tensor[index] = floats[at] as number));
  return tensor;
}

function forEachWeight(map: LinearMap, inChannels: number, visit: (index: number, at: number) => void): void {
  const { outChannels, kernelSize: taps, transposed } = map;
  const rowStride = padded(outChannels);
  for (let i = 0; i < inChannels; i++) {
    for (let o = 0; o < outChannels; o++) {
      for (let tap = 0; tap < taps; tap++) {
        const index = (transposed ? i * outChannels + o : o * inChannels + i) * taps + tap;
        visit(index, (tap * padded(inChannels) + i) * rowStride + o);
      }
    }
  }
}

/** Vectors that are trained together; their gradient begins as `before` and is read back under `name`. */
export function trainedVectors(op: OpRecorder, name: string, vectors: readonly ArrayLike<number>[], before = 0): TrainedVectors {
  const channels = vectors[0]?.length ?? 0;
  const width = padded(channels);
  const words = new Float32Array(vectors.length * width);
  vectors.forEach((vector, index) => words.set(Float32Array.from(vector), index * width));
  const gradient = op.buffer(name, new Float32Array(words.length).fill(before));
  op.readWords(name, gradient);
  return { weight: { buffer: op.buffer('vectors', words) }, gradient: { buffer: gradient }, channels, count: vectors.length };
}

export function floatsOf(words: Uint32Array): Float32Array {
  return new Float32Array(words.buffer, words.byteOffset, words.length);
}
