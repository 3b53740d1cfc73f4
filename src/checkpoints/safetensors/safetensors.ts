import { CheckpointError } from '../../foundation/errors.js';
import { checkInteger, checkMethods, checkText } from '../../foundation/options.js';
import { shownValue } from '../../foundation/shown.js';
import { type ByteSource, listed } from '../source.js';
import { DTYPE_BYTES, type Dtype, decodeFloats, isDtype } from './dtypes.js';
import { readHeader, type SafetensorsHeader, type TensorInfo } from './header.js';

export type { Dtype } from './dtypes.js';
export type { TensorInfo } from './header.js';
export { encodeSafetensors, type WritableTensor } from './writer.js';

/** Bytes per read: large enough to be quick, small enough not to count against the memory of a load. */
const CHUNK_BYTES = 4 * 1024 * 1024;
/** readIntegers is for timesteps and flags; this keeps a wrong name from becoming a huge array. */
const MAX_INTEGERS = 1 << 20;

/** A safetensors file whose header has been checked; values are read tensor by tensor. */
export class SafetensorsFile {
  readonly name: string;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly metadata: ReadonlyMap<string, string>;
  readonly #source: ByteSource;
  #scratch = new Float32Array(0);
  #chunk = new Uint8Array(0);
  #lastRead: Promise<unknown> = Promise.resolve();

  private constructor(source: ByteSource, header: SafetensorsHeader) {
    this.name = source.name;
    this.tensors = header.tensors;
    this.metadata = header.metadata;
    this.#source = source;
  }

  /** Reads and checks the header only. Throws CheckpointError for anything malformed. */
  static async open(source: ByteSource): Promise<SafetensorsFile> {
    checkMethods('SafetensorsFile.open', 'source', source, 'a file of a source', ['read']);
    checkText('SafetensorsFile.open', 'the name of the file', source.name);
    checkInteger('SafetensorsFile.open', 'the size of the file', source.size, 0, Number.MAX_SAFE_INTEGER);
    return new SafetensorsFile(source, await readHeader(source));
  }

  /**
   * All values of a tensor as f32, in the file's row-major order; F64 and integers are rounded to nearest.
   * The array is a view of a scratch buffer that the next read on this file overwrites: copy what must stay.
   * Throws CheckpointError naming the tensor when it is absent, of a dtype that is not read, or holds NaN or infinity.
   */
  readFloats(name: string): Promise<Float32Array> {
    return this.#inTurn(async () => {
      const info = this.#find(name);
      const dtype = this.#readable(info);
      if (this.#scratch.length < info.elements) {
        // Let go of the old buffer first: both together would count against the memory of a load.
        this.#scratch = new Float32Array(0);
        this.#scratch = new Float32Array(info.elements);
      }
      const values = this.#scratch.subarray(0, info.elements);
      const itemBytes = DTYPE_BYTES[dtype];
      const step = CHUNK_BYTES / itemBytes;
      for (let start = 0; start < info.elements; start += step) {
        const part = values.subarray(start, Math.min(start + step, info.elements));
        await this.#readPart(dtype, info.begin + start * itemBytes, part);
        this.#checkFinite(info, start, part);
      }
      return values;
    });
  }

  /** The bytes of a U8 tensor, such as pictures. Throws CheckpointError for another dtype, and where the tensor is absent. */
  readBytes(name: string): Promise<Uint8Array<ArrayBuffer>> {
    return this.#inTurn(async () => {
      const { dtype, begin, end } = this.#find(name);
      if (dtype !== 'U8') {
        throw new CheckpointError(`${this.name}, tensor "${name}": expected U8, found ${dtype}. Export this tensor as bytes.`);
      }
      const bytes = new Uint8Array(end - begin);
      await this.#source.read(begin, bytes);
      return bytes;
    });
  }

  /** The values of a small I64, I32, U8 or BOOL tensor. Throws CheckpointError for other dtypes. */
  readIntegers(name: string): Promise<number[]> {
    return this.#inTurn(async () => {
      const info = this.#find(name);
      const { dtype } = info;
      if ((dtype !== 'I64' && dtype !== 'I32' && dtype !== 'U8' && dtype !== 'BOOL') || info.elements > MAX_INTEGERS) {
        throw new CheckpointError(
          `${this.name}, tensor "${name}": expected at most ${MAX_INTEGERS} integers (I64, I32, ` +
            `U8 or BOOL), found ${info.elements} values of ${dtype}. Export the file again.`,
        );
      }
      const raw = new Uint8Array(info.end - info.begin);
      await this.#source.read(info.begin, raw);
      const view = new DataView(raw.buffer);
      return Array.from({ length: info.elements }, (_, i) => {
        switch (dtype) {
          case 'I64':
            return this.#safeInteger(info, view.getBigInt64(i * 8, true));
          case 'I32':
            return view.getInt32(i * 4, true);
          case 'U8':
            return view.getUint8(i);
          default:
            // BOOL is all that is left.
            return view.getUint8(i) === 0 ? 0 : 1;
        }
      });
    });
  }

  #readable({ name, dtype }: TensorInfo): Dtype {
    if (isDtype(dtype)) return dtype;
    throw new CheckpointError(
      `${this.name}, tensor "${name}": expected one of ${Object.keys(DTYPE_BYTES).join(', ')}, found ${dtype}. ` +
        'Export this tensor as F32.',
    );
  }

  async #readPart(dtype: Dtype, offset: number, part: Float32Array): Promise<void> {
    if (dtype === 'F32') {
      await this.#source.read(offset, new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
      return;
    }
    const bytes = part.length * DTYPE_BYTES[dtype];
    if (this.#chunk.length < bytes) this.#chunk = new Uint8Array(bytes);
    const raw = this.#chunk.subarray(0, bytes);
    await this.#source.read(offset, raw);
    decodeFloats(dtype, raw, part);
  }

  #checkFinite(info: TensorInfo, start: number, part: Float32Array): void {
    for (let i = 0; i < part.length; i++) {
      const value = part[i]!;
      // NaN and both infinities, and nothing else, differ from zero here: one test in the loop over all weights.
      if (value - value !== 0) {
        throw new CheckpointError(
          `${this.name}, tensor "${info.name}": expected finite values that f32 can hold, found ` +
            `${value} at index ${start + i}. Training diverged or the file is damaged: use another checkpoint.`,
        );
      }
    }
  }

  #safeInteger(info: TensorInfo, value: bigint): number {
    const number = Number(value);
    if (!Number.isSafeInteger(number)) {
      throw new CheckpointError(
        `${this.name}, tensor "${info.name}": expected integers below 2^53, found ${value}. ` + 'Export the file again.',
      );
    }
    return number;
  }

  #find(name: string): TensorInfo {
    const info = this.tensors.get(name);
    if (info === undefined) {
      throw new CheckpointError(
        `${this.name}: expected a tensor "${shownValue(name)}", found ${listed([...this.tensors.keys()])}. ` +
          'Export the checkpoint again.',
      );
    }
    return info;
  }

  /** Reads share one scratch buffer, so they run one after the other; a failed read does not block the next. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#lastRead.then(work, work);
    this.#lastRead = result.catch(() => {});
    return result;
  }
}
