import { NdArray } from '../nd-array.js';

/** A number that travels as a MessagePack integer. A plain number travels as an f64, so that 2 and 2.5 have one type for a reader. */
export class PackedInteger {
  readonly value: number;

  /** From −2^31 to 2^32 − 1. */
  constructor(value: number) {
    this.value = value;
  }
}

export type Packable =
  | null
  | boolean
  | number
  | string
  | PackedInteger
  | NdArray
  | readonly Packable[]
  | { readonly [key: string]: Packable };

/** One MessagePack value, keys in the order of the object. Arrays are maps with `bin` keys, as openpi's clients look them up. */
export function encodeMessage(value: Packable): Uint8Array {
  const writer = new Writer();
  write(writer, value);
  return writer.bytes();
}

function write(writer: Writer, value: Packable): void {
  if (value === null) writer.u8(0xc0);
  else if (typeof value === 'boolean') writer.u8(value ? 0xc3 : 0xc2);
  else if (typeof value === 'number') {
    writer.u8(0xcb);
    writer.f64(value);
  } else if (typeof value === 'string') writeText(writer, value);
  else if (value instanceof PackedInteger) writeInteger(writer, value.value);
  else if (value instanceof NdArray) writeArray(writer, value);
  else if (isList(value)) {
    writeHead(writer, value.length, 0x90, 16, 0xdc);
    for (const member of value) write(writer, member);
  } else {
    const entries = Object.entries(value);
    writeHead(writer, entries.length, 0x80, 16, 0xde);
    for (const [key, member] of entries) {
      writeText(writer, key);
      write(writer, member);
    }
  }
}

function isList(value: object): value is readonly Packable[] {
  return Array.isArray(value);
}

const KEYS = Object.fromEntries(
  ['__ndarray__', 'data', 'dtype', 'shape'].map((key) => [key, Uint8Array.from(key, (letter) => letter.charCodeAt(0))]),
) as Readonly<Record<'__ndarray__' | 'data' | 'dtype' | 'shape', Uint8Array>>;

function writeArray(writer: Writer, { dtype, shape, data }: NdArray): void {
  writer.u8(0x84);
  writeBinary(writer, KEYS.__ndarray__);
  writer.u8(0xc3);
  writeBinary(writer, KEYS.data);
  writeBinary(writer, data);
  writeBinary(writer, KEYS.dtype);
  writeText(writer, dtype);
  writeBinary(writer, KEYS.shape);
  writeHead(writer, shape.length, 0x90, 16, 0xdc);
  for (const side of shape) writeInteger(writer, side);
}

function writeInteger(writer: Writer, value: number): void {
  if (value >= 0 && value < 0x80) writer.u8(value);
  else if (value < 0 && value >= -0x20) writer.u8(value + 0x100);
  else if (value >= 0) writeLength(writer, value, 0xcc);
  else {
    writer.u8(0xd2);
    writer.u32(value >>> 0);
  }
}

function writeText(writer: Writer, text: string): void {
  const bytes = writer.utf8(text);
  if (bytes.length < 0x20) writer.u8(0xa0 + bytes.length);
  else writeLength(writer, bytes.length, 0xd9);
  writer.append(bytes);
}

function writeBinary(writer: Writer, bytes: Uint8Array): void {
  writeLength(writer, bytes.length, 0xc4);
  writer.append(bytes);
}

/** A count in the type's own byte where it is small, else in 2 or 4 bytes. */
function writeHead(writer: Writer, count: number, small: number, most: number, type: number): void {
  if (count < most) writer.u8(small + count);
  else if (count < 0x10000) {
    writer.u8(type);
    writer.u16(count);
  } else {
    writer.u8(type + 1);
    writer.u32(count);
  }
}

/** An unsigned integer of 1, 2 or 4 bytes; `type` is that of 1 byte. */
function writeLength(writer: Writer, length: number, type: number): void {
  if (length < 0x100) {
    writer.u8(type);
    writer.u8(length);
  } else if (length < 0x10000) {
    writer.u8(type + 1);
    writer.u16(length);
  } else {
    writer.u8(type + 2);
    writer.u32(length);
  }
}

class Writer {
  static readonly #utf8 = new TextEncoder();
  #bytes = new Uint8Array(512);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;

  /** What was written, a copy. */
  bytes(): Uint8Array {
    return this.#bytes.slice(0, this.#at);
  }

  utf8(text: string): Uint8Array {
    return Writer.#utf8.encode(text);
  }

  u8(value: number): void {
    const at = this.#grow(1);
    this.#view.setUint8(at, value);
  }

  u16(value: number): void {
    const at = this.#grow(2);
    this.#view.setUint16(at, value);
  }

  u32(value: number): void {
    const at = this.#grow(4);
    this.#view.setUint32(at, value);
  }

  f64(value: number): void {
    const at = this.#grow(8);
    this.#view.setFloat64(at, value);
  }

  append(bytes: Uint8Array): void {
    const at = this.#grow(bytes.length);
    this.#bytes.set(bytes, at);
  }

  #grow(count: number): number {
    const at = this.#at;
    this.#at += count;
    if (this.#at > this.#bytes.length) {
      const bytes = new Uint8Array(Math.max(this.#at, 2 * this.#bytes.length));
      bytes.set(this.#bytes.subarray(0, at));
      this.#bytes = bytes;
      this.#view = new DataView(bytes.buffer);
    }
    return at;
  }
}
