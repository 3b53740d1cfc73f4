import { DeviceLimitError } from '../../foundation/errors.js';
import { alignUp } from '../../runtime/buffers.js';
import type { ParameterInfo, TrainingPrecision } from '../training-step.js';

/** How a tensor of the reference lies in a matrix [tap][in][out]. */
export type TensorOrder = 'out-in-tap' | 'in-out-tap' | 'out-in';

/** A matrix [tap][in][out] and the tensors in it, side by side along its outputs. */
export interface MatrixRequest {
  readonly key: string;
  readonly taps: number;
  readonly inChannels: number;
  readonly tensors: readonly { readonly name: string; readonly outChannels: number; readonly order: TensorOrder }[];
}

/** Vectors of one width, each padded to a multiple of four; a vector may be several tensors side by side. */
export interface VectorsRequest {
  readonly key: string;
  readonly channels: number;
  readonly vectors: readonly (readonly { readonly name: string; readonly channels: number }[])[];
}

/** A stretch of an arena that a kernel binds. */
export interface ArenaBlock {
  readonly arena: number;
  /** In elements; a multiple of the alignment of bindings. */
  readonly offset: number;
  readonly elements: number;
}

export interface MatrixBlock extends ArenaBlock {
  readonly taps: number;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly rowStride: number;
  readonly tapStride: number;
}

export interface VectorsBlock extends ArenaBlock {
  readonly channels: number;
  readonly count: number;
}

/** Where the elements of a tensor lie: index Σ strides[d] · i_d from `offset` on. */
export interface ParameterPlace extends ParameterInfo {
  readonly arena: number;
  readonly offset: number;
  readonly strides: readonly number[];
}

/** Elements of 256 bytes, of the narrowest copy: offsets of bindings are multiples of it on every device. */
const BLOCK_ALIGNMENT: Readonly<Record<TrainingPrecision, number>> = { f32: 64, f16: 128 };

/** Bytes of an arena: WebGPU's default for a storage binding, and as much as the host packs at once. Only a larger tensor makes a larger one. */
const ARENA_BYTES = 128 << 20;

/**
 * Where the parameters of a network lie on the device: in arenas, each small enough for one binding, with one order for values, gradients,
 * moments and moving average, so that the optimiser goes through an arena without knowing what is in it. Matrices lie as products over rows
 * read them, and as weight gradients are written: [tap][in][out], inputs and outputs padded with zeros to multiples of four. There is no
 * second copy for the backward pass: it reads four rows of four instead of four columns.
 */
export class ParameterLayout {
  /** Of the copies of matrices that products read. */
  readonly precision: TrainingPrecision;
  readonly #limit: number;
  readonly #places = new Map<string, ParameterPlace>();
  readonly #matrices = new Map<string, MatrixBlock>();
  readonly #vectors = new Map<string, VectorsBlock>();
  readonly #arenas: number[] = [];

  /** `bindingBytes`: what the device can bind at once. */
  constructor(
    bindingBytes: number,
    matrices: readonly MatrixRequest[],
    vectors: readonly VectorsRequest[],
    precision: TrainingPrecision = 'f32',
  ) {
    this.precision = precision;
    this.#limit = Math.floor(bindingBytes / 4 / BLOCK_ALIGNMENT[precision]) * BLOCK_ALIGNMENT[precision];
    for (const request of matrices) this.#addMatrix(request);
    for (const request of vectors) this.#addVectors(request);
  }

  /** Elements of each arena. */
  get arenas(): readonly number[] {
    return this.#arenas;
  }

  matrix(key: string): MatrixBlock {
    return found(this.#matrices, key, 'matrix');
  }

  vectors(key: string): VectorsBlock {
    return found(this.#vectors, key, 'vectors');
  }

  place(name: string): ParameterPlace {
    return found(this.#places, name, 'parameter');
  }

  get names(): ReadonlySet<string> {
    return new Set(this.#places.keys());
  }

  #addMatrix({ key, taps, inChannels, tensors }: MatrixRequest): void {
    const outChannels = tensors.reduce((sum, tensor) => sum + tensor.outChannels, 0);
    const rowStride = alignUp(outChannels, 4);
    const tapStride = alignUp(inChannels, 4) * rowStride;
    const block = this.#allocate(taps * tapStride, key);
    this.#matrices.set(key, { ...block, taps, inChannels, outChannels, rowStride, tapStride });
    let first = 0;
    for (const { name, outChannels: own, order } of tensors) {
      const all = {
        'out-in-tap': { shape: [own, inChannels, taps], strides: [1, rowStride, tapStride] },
        'in-out-tap': { shape: [inChannels, own, taps], strides: [rowStride, 1, tapStride] },
        'out-in': { shape: [own, inChannels], strides: [1, rowStride] },
      }[order];
      this.#places.set(name, { name, ...all, arena: block.arena, offset: block.offset + first });
      first += own;
    }
  }

  #addVectors({ key, channels, vectors }: VectorsRequest): void {
    const width = alignUp(channels, 4);
    const block = this.#allocate(vectors.length * width, key);
    this.#vectors.set(key, { ...block, channels, count: vectors.length });
    vectors.forEach((tensors, index) => {
      let first = 0;
      for (const { name, channels: own } of tensors) {
        this.#places.set(name, { name, shape: [own], strides: [1], arena: block.arena, offset: block.offset + index * width + first });
        first += own;
      }
    });
  }

  #allocate(elements: number, key: string): ArenaBlock {
    const size = alignUp(elements, BLOCK_ALIGNMENT[this.precision]);
    if (size > this.#limit) {
      throw new DeviceLimitError(
        `${key} has ${elements} values, this device can bind ${this.#limit} at once: use an adapter with a larger maxStorageBufferBindingSize.`,
      );
    }
    const last = this.#arenas.length - 1;
    const used = this.#arenas[last];
    if (used === undefined || used + size > Math.min(this.#limit, ARENA_BYTES / 4)) {
      this.#arenas.push(size);
      return { arena: last + 1, offset: 0, elements };
    }
    this.#arenas[last] = used + size;
    return { arena: last, offset: used, elements };
  }
}

function found<T>(map: ReadonlyMap<string, T>, key: string, what: string): T {
  const value = map.get(key);
  if (!value) throw new TypeError(`the layout of parameters has no ${what} "${key}"`);
  return value;
}

/** Copies a tensor of the reference into its place, or (`out`) from there. */
export function copyParameter(place: ParameterPlace, arena: Float32Array, tensor: Float32Array, out: boolean): void {
  const [outer = 1, middle = 1, inner = 1] = place.shape;
  const [outerStride = 0, middleStride = 0, innerStride = 0] = place.strides;
  let index = 0;
  for (let i = 0; i < outer; i++) {
    for (let j = 0; j < middle; j++) {
      let at = place.offset + i * outerStride + j * middleStride;
      for (let k = 0; k < inner; k++) {
        if (out) tensor[index++] = arena[at] as number;
        else arena[at] = tensor[index++] as number;
        at += innerStride;
      }
    }
  }
}

export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
