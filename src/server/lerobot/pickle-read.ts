import { shownValue } from '../../foundation/shown.js';
import { MessageError } from '../errors.js';
import type { NdArray } from '../nd-array.js';
import {
  arrayOf,
  type Pickled,
  PickledArray,
  PickledDtype,
  PickledGlobal,
  PickledRecord,
  PickledTuple,
  scalarOf,
} from './pickle-values.js';

/** Modules of the protocol's classes: since v0.4.0 of LeRobot, and up to v0.3.3. */
const HELPERS = ['lerobot.async_inference.helpers', 'lerobot.scripts.server.helpers'];
/** Of NumPy 2, and of NumPy 1. */
const ARRAYS = ['numpy._core.multiarray', 'numpy.core.multiarray'];
const NUMERIC = ['numpy._core.numeric', 'numpy.core.numeric'];

/** All names that may occur, by their modules. Any other is refused: this is what makes a pickle harmless. */
const NAMES: ReadonlyMap<string, readonly string[]> = new Map<string, readonly string[]>([
  ...HELPERS.map((module) => [module, ['TimedObservation', 'RemotePolicyConfig']] as [string, string[]]),
  ...ARRAYS.map((module) => [module, ['scalar', '_reconstruct']] as [string, string[]]),
  ...NUMERIC.map((module) => [module, ['_frombuffer']] as [string, string[]]),
  ['numpy', ['ndarray', 'dtype']],
]);

/** Opcodes of a message: an observation has some dozens, with lists of names some hundreds. */
const MOST_OPCODES = 2 ** 17;
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Reads a pickle of protocol 4 or 5 as data: the opcodes and names that LeRobot's clients write, and no others. Bytes are views on it.
 * @throws MessageError for any other opcode or name, and where it is cut short or malformed.
 */
export function readPickle(bytes: Uint8Array): Pickled {
  return new PickleReader(bytes).read();
}

/** Where a list of items began on the stack. */
class Mark {}
const MARK = new Mark();
type Item = Pickled | Mark;

class PickleReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #stack: Item[] = [];
  readonly #memo: Item[] = [];
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  read(): Pickled {
    for (let count = 0; count < MOST_OPCODES; count++) {
      const opcode = this.#view.getUint8(this.#take(1));
      if (opcode === 0x2e) return this.#end();
      this.#step(opcode);
    }
    throw new MessageError(`pickle: more than ${MOST_OPCODES} opcodes.`);
  }

  #end(): Pickled {
    const result = this.#pop();
    if (this.#stack.length > 0) throw new MessageError('pickle: values are left over at its end.');
    if (this.#at < this.#bytes.length) throw new MessageError(`pickle: ${this.#bytes.length - this.#at} bytes follow its end.`);
    return result;
  }

  #step(opcode: number): void {
    switch (opcode) {
      case 0x80: // PROTO
        this.#protocol();
        return;
      case 0x95: // FRAME
        this.#room(this.#long());
        return;
      case 0x28: // MARK
        this.#stack.push(MARK);
        return;
      case 0x4e: // NONE
        this.#push(null);
        return;
      case 0x88: // NEWTRUE
        this.#push(true);
        return;
      case 0x89: // NEWFALSE
        this.#push(false);
        return;
      case 0x47: // BINFLOAT
        this.#push(this.#view.getFloat64(this.#take(8)));
        return;
      case 0x4a: // BININT
        this.#push(this.#view.getInt32(this.#take(4), true));
        return;
      case 0x4b: // BININT1
        this.#push(this.#short());
        return;
      case 0x4d: // BININT2
        this.#push(this.#view.getUint16(this.#take(2), true));
        return;
      case 0x8c: // SHORT_BINUNICODE
        this.#push(this.#text(this.#short()));
        return;
      case 0x58: // BINUNICODE
        this.#push(this.#text(this.#int()));
        return;
      case 0x43: // SHORT_BINBYTES
        this.#push(this.#data(this.#short()));
        return;
      case 0x42: // BINBYTES
        this.#push(this.#data(this.#int()));
        return;
      case 0x96: // BYTEARRAY8
        this.#push(this.#data(this.#long()));
        return;
      case 0x94: // MEMOIZE
        this.#memo.push(this.#top());
        return;
      case 0x68: // BINGET
        this.#recall(this.#short());
        return;
      case 0x6a: // LONG_BINGET
        this.#recall(this.#int());
        return;
      case 0x29: // EMPTY_TUPLE
        this.#push(new PickledTuple([]));
        return;
      case 0x85: // TUPLE1
      case 0x86: // TUPLE2
      case 0x87: // TUPLE3
        this.#push(new PickledTuple(this.#popSome(opcode - 0x84)));
        return;
      case 0x74: // TUPLE
        this.#push(new PickledTuple(this.#popToMark()));
        return;
      case 0x5d: // EMPTY_LIST
        this.#push([]);
        return;
      case 0x61: // APPEND
        this.#append(this.#popSome(1));
        return;
      case 0x65: // APPENDS
        this.#append(this.#popToMark());
        return;
      case 0x7d: // EMPTY_DICT
        this.#push(new Map());
        return;
      case 0x73: // SETITEM
        this.#set(this.#popSome(2));
        return;
      case 0x75: // SETITEMS
        this.#set(this.#popToMark());
        return;
      case 0x93: // STACK_GLOBAL
        this.#named();
        return;
      case 0x81: // NEWOBJ
        this.#newObject();
        return;
      case 0x52: // REDUCE
        this.#reduce();
        return;
      case 0x62: // BUILD
        this.#build();
        return;
      default:
        throw new MessageError(
          `pickle: opcode 0x${opcode.toString(16).padStart(2, '0')} at byte ${this.#at - 1} is none that an observation needs.`,
        );
    }
  }

  #protocol(): void {
    const version = this.#short();
    if (version !== 4 && version !== 5) throw new MessageError(`pickle: protocol ${version}, expected 4 or 5.`);
  }

  #recall(index: number): void {
    const item = this.#memo[index];
    if (item === undefined) throw new MessageError(`pickle: nothing was kept under ${index}.`);
    this.#stack.push(item);
  }

  #append(items: readonly Pickled[]): void {
    const list = this.#top();
    if (!Array.isArray(list)) throw new MessageError('pickle: items are appended to what is no list.');
    for (const item of items) list.push(item);
  }

  #set(items: readonly Pickled[]): void {
    const map = this.#top();
    if (!(map instanceof Map) || items.length % 2 !== 0) throw new MessageError('pickle: items are set in what is no dictionary.');
    for (let i = 0; i < items.length; i += 2) {
      const key = items[i];
      if (typeof key !== 'string') throw new MessageError('pickle: keys of a dictionary must be texts.');
      map.set(key, items[i + 1] as Pickled);
    }
  }

  #named(): void {
    const [module, name] = this.#popSome(2);
    if (typeof module !== 'string' || typeof name !== 'string' || !NAMES.get(module)?.includes(name)) {
      throw new MessageError(
        `pickle: refused the name ${shownValue(module)}.${shownValue(name)}: an observation has classes of LeRobot and arrays of NumPy, nothing else.`,
      );
    }
    this.#push(new PickledGlobal(module, name));
  }

  #newObject(): void {
    const [type, given] = this.#popSome(2);
    if (!(type instanceof PickledGlobal) || !HELPERS.includes(type.module) || !(given instanceof PickledTuple) || given.items.length > 0) {
      throw new MessageError('pickle: an object of a class that is made in another way than those of LeRobot.');
    }
    this.#push(new PickledRecord(type));
  }

  #reduce(): void {
    const [called, given] = this.#popSome(2);
    if (!(called instanceof PickledGlobal) || !(given instanceof PickledTuple))
      throw new MessageError('pickle: a call of what is no function.');
    const [a, b, c, d] = given.items as readonly (Pickled | undefined)[];
    if (called.name === 'dtype' && typeof a === 'string') this.#push(new PickledDtype(a));
    else if (called.name === 'scalar' && ARRAYS.includes(called.module)) this.#push(scalarOf(a ?? null, b ?? null));
    else if (called.name === '_reconstruct') this.#push(new PickledArray());
    else if (called.name === '_frombuffer') this.#push(arrayOf(b ?? null, c ?? null, d === 'F', a ?? null));
    else throw new MessageError(`pickle: ${called.module}.${called.name} is called with other values than NumPy does.`);
  }

  #build(): void {
    const [state] = this.#popSome(1);
    const target = this.#top();
    if (target instanceof PickledRecord && state instanceof Map) target.fields = state;
    else if (target instanceof PickledDtype && state instanceof PickledTuple) {
      const order = state.items[1];
      if (typeof order !== 'string' || !/^[<>|=]$/.test(order)) throw new MessageError('pickle: a dtype of an unknown order of bytes.');
      target.order = order;
    } else if (target instanceof PickledArray && state instanceof PickledTuple) {
      const [, shape, dtype, isFortran, data] = state.items as readonly (Pickled | undefined)[];
      target.filled = arrayOf(dtype ?? null, shape ?? null, isFortran === true, data ?? null);
    } else throw new MessageError('pickle: a state that belongs to no object of the protocol.');
  }

  #push(value: Pickled): void {
    this.#stack.push(value);
  }

  #top(): Item {
    const item = this.#stack.at(-1);
    if (item === undefined) throw new MessageError('pickle: a value is missing.');
    return item;
  }

  #pop(): Pickled {
    return this.#popSome(1)[0] as Pickled;
  }

  #popSome(count: number): Pickled[] {
    if (this.#stack.length < count) throw new MessageError('pickle: a value is missing.');
    return this.#values(this.#stack.splice(this.#stack.length - count));
  }

  #popToMark(): Pickled[] {
    const mark = this.#stack.lastIndexOf(MARK);
    if (mark < 0) throw new MessageError('pickle: the beginning of a list of values is missing.');
    const items = this.#stack.splice(mark);
    return this.#values(items.slice(1));
  }

  #values(items: readonly Item[]): Pickled[] {
    return items.map((item) => {
      if (item instanceof Mark) throw new MessageError('pickle: a value is missing.');
      // An array that was filled is one from now on.
      return item instanceof PickledArray && item.filled ? item.filled : item;
    });
  }

  #short(): number {
    return this.#view.getUint8(this.#take(1));
  }

  #int(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  #long(): number {
    return Number(this.#view.getBigUint64(this.#take(8), true));
  }

  #text(length: number): string {
    try {
      return UTF8.decode(this.#data(length));
    } catch (error) {
      throw error instanceof MessageError ? error : new MessageError(`pickle: the text before byte ${this.#at} is not UTF-8.`);
    }
  }

  #data(length: number): Uint8Array {
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  #take(count: number): number {
    this.#room(count);
    const at = this.#at;
    this.#at += count;
    return at;
  }

  #room(count: number): void {
    const rest = this.#bytes.length - this.#at;
    if (count > rest) throw new MessageError(`pickle: cut short: ${count} bytes are needed at byte ${this.#at}, where ${rest} are left.`);
  }
}

/** A value of a record; arrays that were recalled from the memo before they were filled are seen filled. */
export function fieldOf(value: Pickled | undefined): Pickled | NdArray | undefined {
  return value instanceof PickledArray ? value.filled : value;
}
