import { f16BitsToF32 } from '../foundation/half.js';
import { shownValue } from '../foundation/shown.js';
import { MessageError } from './errors.js';

/** How a number of an array lies in memory, as NumPy's dtypes say it. */
interface NumberFormat {
  /** Bool, signed, unsigned, float. */
  readonly kind: 'b' | 'i' | 'u' | 'f';
  readonly bytes: number;
  readonly isBigEndian: boolean;
}

/** An array as NumPy has it: numbers of one dtype in C order. */
export class NdArray {
  /** Such as `<f4`, `|u1`. */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** The numbers, one after the other. */
  readonly data: Uint8Array;
  readonly #format: NumberFormat;

  /**
   * `where`: whose array it is, for messages.
   * @throws MessageError for a dtype that holds no numbers, and where the data has another size than the shape.
   */
  constructor(dtype: string, shape: readonly number[], data: Uint8Array, where = 'array') {
    this.#format = formatOf(dtype, where);
    this.dtype = dtype;
    this.shape = shape;
    this.data = data;
    const count = shape.reduce((product, side) => product * side, 1);
    if (count * this.#format.bytes !== data.length) {
      throw new MessageError(
        `${where}: an array of ${dtype} [${shape.join(', ')}] must have ${count * this.#format.bytes} bytes, found ${data.length}.`,
      );
    }
  }

  /** Floats as the values of an array in C order. */
  static ofFloats(values: Float32Array, shape: readonly number[]): NdArray {
    return new NdArray('<f4', shape, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }

  /** Whether it holds bytes from 0 to 255. */
  get isBytes(): boolean {
    const { kind, bytes } = this.#format;
    return kind === 'u' && bytes === 1;
  }

  get isFloats(): boolean {
    return this.#format.kind === 'f';
  }

  /** Its values as f32: rounded where the dtype has more digits. A copy. */
  floats(): Float32Array {
    const { kind, bytes, isBigEndian } = this.#format;
    const count = this.data.length / bytes;
    // A copy begins at a multiple of every element's size; the message does not.
    if (kind === 'f' && bytes === 4 && !isBigEndian) return new Float32Array(new Uint8Array(this.data).buffer);
    const view = new DataView(this.data.buffer, this.data.byteOffset, this.data.byteLength);
    const read = READERS[`${kind}${bytes}`] as (view: DataView, at: number, isLittle: boolean) => number;
    const values = new Float32Array(count);
    for (let i = 0; i < count; i++) values[i] = read(view, i * bytes, !isBigEndian);
    return values;
  }
}

const READERS: Readonly<Record<string, (view: DataView, at: number, isLittle: boolean) => number>> = {
  b1: (view, at) => (view.getUint8(at) === 0 ? 0 : 1),
  u1: (view, at) => view.getUint8(at),
  u2: (view, at, isLittle) => view.getUint16(at, isLittle),
  u4: (view, at, isLittle) => view.getUint32(at, isLittle),
  u8: (view, at, isLittle) => Number(view.getBigUint64(at, isLittle)),
  i1: (view, at) => view.getInt8(at),
  i2: (view, at, isLittle) => view.getInt16(at, isLittle),
  i4: (view, at, isLittle) => view.getInt32(at, isLittle),
  i8: (view, at, isLittle) => Number(view.getBigInt64(at, isLittle)),
  f2: (view, at, isLittle) => f16BitsToF32(view.getUint16(at, isLittle)),
  f4: (view, at, isLittle) => view.getFloat32(at, isLittle),
  f8: (view, at, isLittle) => view.getFloat64(at, isLittle),
};

function formatOf(dtype: string, where: string): NumberFormat {
  const [, order, kind, size] = /^([<>|=])([biuf])([1248])$/.exec(dtype) ?? [];
  if (order === undefined || !(`${kind}${size}` in READERS)) {
    throw new MessageError(`${where}: dtype "${shownValue(dtype)}" is none of numbers: bool, integers or floats, such as <f4 or |u1.`);
  }
  return { kind: kind as NumberFormat['kind'], bytes: Number(size), isBigEndian: order === '>' };
}
