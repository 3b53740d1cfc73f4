import { shownValue } from '../../foundation/shown.js';
import { MessageError } from '../errors.js';

/** What a message may hold. Keys are text; those of type `bin`, as NumPy's arrays have them, are read as text too. */
export type Packed = null | boolean | number | string | Uint8Array | readonly Packed[] | PackedMap;
export type PackedMap = ReadonlyMap<string, Packed>;

/** Maps and lists within each other. Observations need three: message, group of images, array. */
const MOST_DEPTH = 16;
/** Values of a message, so that a megabyte of empty values does not become tens of megabytes of objects. Arrays are one value each. */
const MOST_VALUES = 2 ** 18;
const MOST_KEY_BYTES = 1024;

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Reads one MessagePack value that is the whole message: nil, bool, integers within ±2^53, f32, f64, str, bin, array, map. Bytes are views
 * on the message. Every length is compared with what is left of the message before anything is made of it.
 * @throws MessageError saying at which byte: cut short, bytes too many, too deep, too many values, a type that no observation has.
 */
export function decodeMessage(message: Uint8Array): Packed {
  const reader = new Reader(message);
  const value = reader.value(0);
  reader.end();
  return value;
}

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;
  #values = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  end(): void {
    const rest = this.#bytes.length - this.#at;
    if (rest > 0) throw new MessageError(`message: ${rest} bytes follow its end at byte ${this.#at}: a message is one MessagePack value.`);
  }

  value(depth: number): Packed {
    if (depth > MOST_DEPTH)
      throw new MessageError(`message: more than ${MOST_DEPTH} maps and lists within each other at byte ${this.#at}.`);
    if (++this.#values > MOST_VALUES) {
      throw new MessageError(`message: more than ${MOST_VALUES} values. Send numbers as arrays (dtype, shape, data), not as lists.`);
    }
    const at = this.#take(1, 'a type');
    const type = this.#view.getUint8(at);
    if (type <= 0x7f) return type;
    if (type <= 0x8f) return this.#map(type & 0x0f, depth);
    if (type <= 0x9f) return this.#list(type & 0x0f, depth);
    if (type <= 0xbf) return this.#text(type & 0x1f);
    if (type >= 0xe0) return type - 0x100;
    switch (type) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return this.#binary(this.#length(type - 0xc4));
      case 0xca:
        return this.#view.getFloat32(this.#take(4, 'an f32'));
      case 0xcb:
        return this.#view.getFloat64(this.#take(8, 'an f64'));
      case 0xcc:
      case 0xcd:
      case 0xce:
        return this.#length(type - 0xcc);
      case 0xcf:
        return this.#safe(this.#view.getBigUint64(this.#take(8, 'a u64')));
      case 0xd0:
        return this.#view.getInt8(this.#take(1, 'an i8'));
      case 0xd1:
        return this.#view.getInt16(this.#take(2, 'an i16'));
      case 0xd2:
        return this.#view.getInt32(this.#take(4, 'an i32'));
      case 0xd3:
        return this.#safe(this.#view.getBigInt64(this.#take(8, 'an i64')));
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this.#text(this.#length(type - 0xd9));
      case 0xdc:
      case 0xdd:
        return this.#list(this.#length(type - 0xdc + 1), depth);
      case 0xde:
      case 0xdf:
        return this.#map(this.#length(type - 0xde + 1), depth);
      default:
        // 0xc1 and the extensions.
        throw new MessageError(`message: type 0x${type.toString(16)} at byte ${at} is none that an observation has.`);
    }
  }

  #map(count: number, depth: number): PackedMap {
    // Every entry has a key and a value, a byte each at least.
    this.#room(2 * count, `a map of ${count}`);
    const map = new Map<string, Packed>();
    for (let i = 0; i < count; i++) {
      const key = this.#key();
      if (map.has(key)) throw new MessageError(`message: key "${shownValue(key)}" is there twice, at byte ${this.#at}.`);
      map.set(key, this.value(depth + 1));
    }
    return map;
  }

  #key(): string {
    const at = this.#take(1, 'a key');
    const type = this.#view.getUint8(at);
    let length: number;
    if (type >= 0xa0 && type <= 0xbf) length = type & 0x1f;
    else if (type >= 0xd9 && type <= 0xdb) length = this.#length(type - 0xd9);
    else if (type >= 0xc4 && type <= 0xc6) length = this.#length(type - 0xc4);
    else throw new MessageError(`message: a key at byte ${at} must be text (str or bin), found type 0x${type.toString(16)}.`);
    if (length > MOST_KEY_BYTES) throw new MessageError(`message: a key of ${length} bytes at byte ${at}: ${MOST_KEY_BYTES} are the most.`);
    return this.#text(length);
  }

  #list(count: number, depth: number): Packed[] {
    this.#room(count, `a list of ${count}`);
    const list: Packed[] = [];
    for (let i = 0; i < count; i++) list.push(this.value(depth + 1));
    return list;
  }

  #text(length: number): string {
    const at = this.#take(length, `a text of ${length} bytes`);
    try {
      return UTF8.decode(this.#bytes.subarray(at, at + length));
    } catch {
      throw new MessageError(`message: the text at byte ${at} is not UTF-8.`);
    }
  }

  #binary(length: number): Uint8Array {
    const at = this.#take(length, `${length} bytes`);
    return this.#bytes.subarray(at, at + length);
  }

  /** An unsigned integer of 1, 2 or 4 bytes. */
  #length(power: number): number {
    if (power === 0) return this.#view.getUint8(this.#take(1, 'a length'));
    if (power === 1) return this.#view.getUint16(this.#take(2, 'a length'));
    return this.#view.getUint32(this.#take(4, 'a length'));
  }

  #safe(value: bigint): number {
    const number = Number(value);
    if (!Number.isSafeInteger(number)) throw new MessageError(`message: the integer ${value} is beyond 2^53.`);
    return number;
  }

  /** Where the next bytes begin, which are then behind. */
  #take(count: number, what: string): number {
    this.#room(count, what);
    const at = this.#at;
    this.#at += count;
    return at;
  }

  #room(count: number, what: string): void {
    const rest = this.#bytes.length - this.#at;
    if (count > rest) throw new MessageError(`message: cut short: ${what} at byte ${this.#at}, where ${rest} bytes are left.`);
  }
}
