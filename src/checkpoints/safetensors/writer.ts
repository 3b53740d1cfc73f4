import { OptionError } from '../../foundation/errors.js';
import { f32ToBf16Bits, packF16 } from '../../foundation/half.js';
import { checkChoice, checkInteger, checkList, checkObject, checkText } from '../../foundation/options.js';
import { shownValue } from '../../foundation/shown.js';
import { DTYPE_BYTES, type Dtype } from './dtypes.js';

/** A tensor to write; a Uint8Array is taken as the raw little-endian bytes of `dtype`. */
export interface WritableTensor {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly data: Float32Array | readonly number[] | readonly bigint[] | Uint8Array;
}

/**
 * One safetensors file. Deterministic: tensors are ordered by element size, largest first, then by name, so that every
 * tensor is aligned to its element size; the header is padded with spaces to a multiple of 8 bytes.
 * Throws OptionError when a name repeats, a length does not fit its shape, or a value does not fit its dtype.
 */
export function encodeSafetensors(tensors: readonly WritableTensor[], metadata?: Record<string, string>): Uint8Array {
  checkList('encodeSafetensors', 'tensors', tensors, checkTensor);
  if (metadata !== undefined) {
    for (const value of Object.values(checkObject('encodeSafetensors', 'metadata', metadata)))
      checkText('encodeSafetensors', 'a value of the metadata', value);
  }
  const ordered = [...tensors].sort((a, b) => DTYPE_BYTES[b.dtype] - DTYPE_BYTES[a.dtype] || (a.name < b.name ? -1 : 1));
  const entries: [string, unknown][] = metadata === undefined ? [] : [['__metadata__', metadata]];
  const names = new Set(['__metadata__']);
  const parts: Uint8Array[] = [];
  let position = 0;
  for (const tensor of ordered) {
    if (names.has(tensor.name)) throw new OptionError(`tensor name "${tensor.name}" is reserved or used twice: rename it`);
    names.add(tensor.name);
    const bytes = encodeData(tensor);
    const data_offsets = [position, position + bytes.byteLength];
    entries.push([tensor.name, { dtype: tensor.dtype, shape: tensor.shape, data_offsets }]);
    parts.push(bytes);
    position += bytes.byteLength;
  }
  // fromEntries defines own properties, so a tensor called "__proto__" is written too.
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const headerBytes = Math.ceil(json.byteLength / 8) * 8;
  const file = new Uint8Array(8 + headerBytes + position);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerBytes), true);
  file.set(json, 8);
  file.fill(0x20, 8 + json.byteLength, 8 + headerBytes);
  let offset = 8 + headerBytes;
  for (const part of parts) {
    file.set(part, offset);
    offset += part.byteLength;
  }
  return file;
}

/** More elements than any file of this size may have; a tensor of them would not fit into memory. */
const MOST_ELEMENTS = 2 ** 40;

function checkTensor(tensor: WritableTensor): void {
  const where = 'encodeSafetensors';
  checkObject(where, 'a tensor', tensor);
  const name = `tensor "${shownValue(checkText(where, 'the name of a tensor', tensor.name))}"`;
  checkChoice(where, `dtype of ${name}`, tensor.dtype, Object.keys(DTYPE_BYTES) as Dtype[]);
  checkList(where, `shape of ${name}`, tensor.shape, (size) => checkInteger(where, `shape of ${name}`, size, 0, MOST_ELEMENTS), 64);
  const { data } = tensor as { readonly data: unknown };
  if (!Array.isArray(data) && !(data instanceof Float32Array) && !(data instanceof Uint8Array)) {
    throw new OptionError(
      `${where}: data of ${name} must be a Float32Array, a list of numbers, or a Uint8Array, found ${shownValue(data)}.`,
    );
  }
  if (!Array.isArray(data)) return;
  checkList<unknown>(where, `data of ${name}`, data, (value, index) => {
    if (typeof value !== 'number' && typeof value !== 'bigint') {
      throw new OptionError(`${where}: data of ${name} must be numbers, found ${shownValue(value)} at index ${index}.`);
    }
  });
}

function encodeData({ name, dtype, shape, data }: WritableTensor): Uint8Array {
  const elements = shape.reduce((all, size) => all * size, 1);
  const found = data instanceof Uint8Array ? data.byteLength / DTYPE_BYTES[dtype] : data.length;
  if (found !== elements) {
    throw new OptionError(`tensor "${name}": expected ${elements} values of ${dtype} for shape [${shape.join(', ')}], ` + `found ${found}`);
  }
  if (data instanceof Uint8Array) return data;
  const values: ArrayLike<number | bigint> = data;
  switch (dtype) {
    case 'F64':
      return bytesOf(Float64Array.from(values, Number));
    case 'F32':
      return bytesOf(f32Of(data));
    case 'F16': {
      const codes = new Uint16Array(elements);
      const overflow = packF16(f32Of(data), codes);
      if (overflow >= 0) throw new OptionError(`tensor "${name}": ${data[overflow]} does not fit f16; write it as F32`);
      return bytesOf(codes);
    }
    case 'BF16':
      return bytesOf(Uint16Array.from(values, (value) => f32ToBf16Bits(Number(value))));
    case 'I64':
      return bytesOf(BigInt64Array.from(values, (value) => integer(name, value, -(2n ** 63n), 2n ** 63n - 1n)));
    case 'I32':
      return bytesOf(Int32Array.from(values, (value) => Number(integer(name, value, -(2n ** 31n), 2n ** 31n - 1n))));
    case 'U8':
      return Uint8Array.from(values, (value) => Number(integer(name, value, 0n, 255n)));
    case 'BOOL':
      return Uint8Array.from(values, (value) => Number(integer(name, value, 0n, 1n)));
    default: {
      const unknown: never = dtype;
      throw new OptionError(`unknown dtype ${String(unknown)}`);
    }
  }
}

/** Values that are f32 already are taken as they are: one by one, those of a policy take seconds. */
function f32Of(values: Float32Array | readonly (number | bigint)[]): Float32Array {
  return values instanceof Float32Array ? values : Float32Array.from(values, Number);
}

/** Typed arrays wrap what does not fit; a file must not. */
function integer(name: string, value: number | bigint, min: bigint, max: bigint): bigint {
  const whole = typeof value === 'bigint' || Number.isSafeInteger(value) ? BigInt(value) : undefined;
  if (whole === undefined || whole < min || whole > max) {
    throw new OptionError(`tensor "${name}": expected integers from ${min} to ${max}, found ${value}`);
  }
  return whole;
}

function bytesOf(values: Float64Array | Float32Array | Uint16Array | Int32Array | BigInt64Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
