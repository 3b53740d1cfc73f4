import { Packr } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { MessageError } from '../../src/server/errors.js';
import { decodeMessage, type Packed } from '../../src/server/msgpack/decode.js';
import { encodeMessage, type Packable, PackedInteger } from '../../src/server/msgpack/encode.js';
import { numbersIn } from '../../src/server/msgpack/numbers-in.js';
import { NdArray } from '../../src/server/nd-array.js';
import { floats, ndarray, pack, plain, unpack } from '../support/openpi.js';

const bytesOf = (hex: string): Uint8Array => Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Bytes that openpi's own codec wrote. */
const RECORDED = {
  empty: '80',
  floats: '81a5737461746584c40b5f5f6e6461727261795f5fc3c40464617461c4080000c03f000000c0c4056474797065a33c6634c40573686170659102',
  image: '81a3696d6784c40b5f5f6e6461727261795f5fc3c40464617461c406000102030405c4056474797065a37c7531c405736861706593010203',
  bools: '81a16284c40b5f5f6e6461727261795f5fc3c40464617461c4020100c4056474797065a37c6231c40573686170659102',
  integer: '81a16b83c40d5f5f6e7067656e657269635f5fc3c4046461746107c4056474797065a33c6938',
  float: '81a178cb3fd0000000000000',
  reply:
    '82a7616374696f6e7384c40b5f5f6e6461727261795f5fc3c40464617461c41000000000000000000000000000000000c4056474797065a33c6634c405736861706592' +
    '0202ad7365727665725f74696d696e6782a8696e6665725f6d73cb3ff4000000000000ad707265765f746f74616c5f6d73cb4004000000000000',
} as const;

const numbersOf = (hex: string, key: string): NdArray | number | undefined => {
  const value = (decodeMessage(bytesOf(hex)) as ReadonlyMap<string, Packed>).get(key);
  return value instanceof Map ? numbersIn(value, key) : (value as number);
};

describe('messages of openpi', () => {
  it('are written with the bytes of its own codec', () => {
    expect(hexOf(encodeMessage({}))).toBe(RECORDED.empty);
    expect(hexOf(encodeMessage({ state: NdArray.ofFloats(Float32Array.of(1.5, -2), [2]) }))).toBe(RECORDED.floats);
    expect(hexOf(encodeMessage({ img: new NdArray('|u1', [1, 2, 3], Uint8Array.of(0, 1, 2, 3, 4, 5)) }))).toBe(RECORDED.image);
    expect(hexOf(encodeMessage({ b: new NdArray('|b1', [2], Uint8Array.of(1, 0)) }))).toBe(RECORDED.bools);
    expect(hexOf(encodeMessage({ x: 0.25 }))).toBe(RECORDED.float);
    const actions = NdArray.ofFloats(new Float32Array(4), [2, 2]);
    expect(hexOf(encodeMessage({ actions, server_timing: { infer_ms: 1.25, prev_total_ms: 2.5 } }))).toBe(RECORDED.reply);
  });

  it('are read', () => {
    expect(decodeMessage(bytesOf(RECORDED.empty))).toEqual(new Map());
    const state = numbersOf(RECORDED.floats, 'state') as NdArray;
    expect([state.shape, ...state.floats()]).toEqual([[2], 1.5, -2]);
    const image = numbersOf(RECORDED.image, 'img') as NdArray;
    expect([image.isBytes, image.shape, ...image.data]).toEqual([true, [1, 2, 3], 0, 1, 2, 3, 4, 5]);
    expect([...(numbersOf(RECORDED.bools, 'b') as NdArray).floats()]).toEqual([1, 0]);
    expect(numbersOf(RECORDED.integer, 'k')).toBe(7);
    expect(numbersOf(RECORDED.float, 'x')).toBe(0.25);
  });

  it('give views on the message: an image is not copied', () => {
    const message = bytesOf(RECORDED.image);
    expect((numbersOf(RECORDED.image, 'img') as NdArray).data.byteLength).toBe(6);
    const map = (decodeMessage(message) as ReadonlyMap<string, Packed>).get('img') as ReadonlyMap<string, Packed>;
    expect((map.get('data') as Uint8Array).buffer).toBe(message.buffer);
  });

  it('have arrays of every dtype and either order of bytes', () => {
    const values = [1, 0, 3, 200];
    const write = (dtype: string, put: (view: DataView, at: number, value: number) => void, size: number): NdArray => {
      const view = new DataView(new ArrayBuffer(values.length * size));
      values.forEach((value, i) => put(view, i * size, value));
      return new NdArray(dtype, [values.length], new Uint8Array(view.buffer));
    };
    for (const array of [
      write('|u1', (view, at, value) => view.setUint8(at, value), 1),
      write('<u2', (view, at, value) => view.setUint16(at, value, true), 2),
      write('>u2', (view, at, value) => view.setUint16(at, value), 2),
      write('<u4', (view, at, value) => view.setUint32(at, value, true), 4),
      write('>i2', (view, at, value) => view.setInt16(at, value), 2),
      write('<i4', (view, at, value) => view.setInt32(at, value, true), 4),
      write('<i8', (view, at, value) => view.setBigInt64(at, BigInt(value), true), 8),
      write('>u8', (view, at, value) => view.setBigUint64(at, BigInt(value)), 8),
      write('>f4', (view, at, value) => view.setFloat32(at, value), 4),
      write('<f8', (view, at, value) => view.setFloat64(at, value, true), 8),
      write('>f8', (view, at, value) => view.setFloat64(at, value), 8),
    ]) {
      expect([...array.floats()], array.dtype).toEqual(values);
    }
    expect([...new NdArray('|i1', [2], Uint8Array.of(255, 3)).floats()]).toEqual([-1, 3]);
    expect([...new NdArray('<f2', [2], Uint8Array.of(0x00, 0x3c, 0x00, 0xc0)).floats()]).toEqual([1, -2]);
  });
});

describe('beside msgpackr', () => {
  const values: readonly [unknown, Packable][] = [
    [null, null],
    [
      [true, false],
      [true, false],
    ],
    [
      [0, 127, 128, 255, 256, 65_535, 65_536, 2 ** 32 - 1, -1, -32],
      [0, 127, 128, 255, 256, 65_535, 65_536, 2 ** 32 - 1, -1, -32].map((n) => new PackedInteger(n)),
    ],
    ['x'.repeat(31), 'x'.repeat(31)],
    ['x'.repeat(32), 'x'.repeat(32)],
    ['ü'.repeat(200), 'ü'.repeat(200)],
    ['x'.repeat(70_000), 'x'.repeat(70_000)],
    [new Array(15).fill(true), new Array(15).fill(true)],
    [new Array(16).fill(true), new Array(16).fill(true)],
    [new Array(70_000).fill(null), new Array(70_000).fill(null)],
  ];

  it('the same bytes are written', () => {
    for (const [theirs, ours] of values) expect(hexOf(encodeMessage(ours))).toBe(hexOf(pack(theirs)));
    const map = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`key ${i}`, i + 0.5]));
    expect(hexOf(encodeMessage(map))).toBe(hexOf(pack(new Map(Object.entries(map)))));
    expect(hexOf(encodeMessage({ a: NdArray.ofFloats(Float32Array.of(1, 2), [2]) }))).toBe(hexOf(pack(new Map([['a', floats([1, 2])]]))));
    const large = new Uint8Array(70_000).fill(7);
    expect(hexOf(encodeMessage({ a: new NdArray('|u1', [70_000], large) }))).toBe(
      hexOf(pack(new Map([['a', ndarray('|u1', [70_000], large)]]))),
    );
  });

  it('what it writes is read: all of the types, and integers up to 2^53', () => {
    for (const [theirs] of values) expect(decodeMessage(pack(theirs))).toEqual(theirs);
    for (const number of [2 ** 40, -(2 ** 40), -129, -40_000, 2 ** 53 - 1]) expect(decodeMessage(pack(BigInt(number)))).toBe(number);
    expect(decodeMessage(new Packr({ useFloat32: 3 }).pack(1.5))).toBe(1.5);
    expect(decodeMessage(pack(new Map([['a', new Map([['b', [1, 'two', null]]])]])))).toEqual(
      new Map([['a', new Map([['b', [1, 'two', null]]])]]),
    );
  });

  it('what is written is read by it', () => {
    const message = encodeMessage({ actions: NdArray.ofFloats(Float32Array.of(1, 2, 3, 4), [2, 2]), n: new PackedInteger(3), t: { a: 2 } });
    expect(plain(unpack(message))).toEqual({ actions: { dtype: '<f4', shape: [2, 2], values: [1, 2, 3, 4] }, n: 3, t: { a: 2 } });
  });
});

describe('malformed messages', () => {
  const refused = (hex: string, words: RegExp): void => {
    expect(() => decodeMessage(bytesOf(hex)), hex).toThrow(MessageError);
    expect(() => decodeMessage(bytesOf(hex)), hex).toThrow(words);
  };

  it('are refused in words, before anything is made of a length', () => {
    refused('', /cut short: a type at byte 0/);
    refused('81', /a map of 1 at byte 1, where 0 bytes are left/);
    refused('dfffffffff', /cut short: a map of 4294967295/);
    refused('ddffffffff', /cut short: a list of 4294967295/);
    refused('c6ffffffff00', /cut short: 4294967295 bytes/);
    refused('dbffffffff00', /cut short: a text of 4294967295 bytes/);
    refused('8080', /1 bytes follow its end/);
    refused('c1', /type 0xc1/);
    refused('d40100', /type 0xd4/);
    refused('c70100ff', /type 0xc7/);
    refused('8101c0', /a key at byte 1 must be text/);
    refused('82a161c0a161c0', /key "a" is there twice/);
    refused('a2c328', /not UTF-8/);
    refused('cfffffffffffffffff', /beyond 2\^53/);
    refused(`${'91'.repeat(100)}c0`, /within each other/);
    refused(`81da0500${'61'.repeat(0x500)}c0`, /a key of 1280 bytes/);
    refused(`dd00050000${'c0'.repeat(0x50000)}`, /more than 262144 values/);
  });

  it('with names that JavaScript knows are data', () => {
    expect(
      decodeMessage(
        pack(
          new Map([
            ['__proto__', 1],
            ['constructor', 2],
          ]),
        ),
      ),
    ).toEqual(
      new Map([
        ['__proto__', 1],
        ['constructor', 2],
      ]),
    );
  });

  it('have arrays that are none: refused', () => {
    const read = (map: Map<Buffer, unknown>): unknown => numbersIn(decodeMessage(pack(map)) as ReadonlyMap<string, Packed>, 'x');
    expect(() => read(ndarray('|O8', [1], new Uint8Array(8)))).toThrow(/dtype "\|O8"/);
    expect(() => read(ndarray('<c8', [1], new Uint8Array(8)))).toThrow(/dtype/);
    expect(() => read(ndarray('<i3', [1], new Uint8Array(3)))).toThrow(/dtype/);
    expect(() => read(ndarray('|b2', [1], new Uint8Array(2)))).toThrow(/dtype/);
    expect(() => read(ndarray('<f4', [3], new Uint8Array(8)))).toThrow(/must have 12 bytes, found 8/);
    expect(() => read(ndarray('<f4', [-1], new Uint8Array(8)))).toThrow(/shape/);
    expect(() => read(ndarray('<f4', [0.5, 4], new Uint8Array(8)))).toThrow(/shape/);
    expect(() => read(ndarray('<f4', [2 ** 40, 2 ** 40, 0], new Uint8Array(8)))).toThrow(/must have 0 bytes/);
    expect(() => read(ndarray('<f4', new Array(9).fill(1), new Uint8Array(4)))).toThrow(/shape/);
    expect(() => read(new Map([[Buffer.from('__ndarray__'), true]]))).toThrow(/must have `data`/);
    expect(() =>
      read(
        new Map<Buffer, unknown>([
          [Buffer.from('__npgeneric__'), true],
          [Buffer.from('data'), 'x'],
        ]),
      ),
    ).toThrow(/NumPy scalar/);
  });
});
