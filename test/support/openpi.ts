import { Packr, Unpackr } from 'msgpackr';

/** MessagePack by another implementation, as openpi's clients write it: arrays are maps with `bin` keys. */
const packr = new Packr({ useRecords: false, variableMapSize: true });
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: false });

export function pack(value: unknown): Uint8Array {
  return new Uint8Array(packr.pack(value));
}

/** Maps are `Map`s; keys of type `bin` are Buffers, which `plain` makes text. */
export function unpack(bytes: Uint8Array): unknown {
  return unpackr.unpack(Buffer.from(bytes));
}

const key = (name: string): Buffer => Buffer.from(name, 'latin1');

/** An array as openpi's client packs it. */
export function ndarray(dtype: string, shape: readonly number[], data: Uint8Array): Map<Buffer, unknown> {
  return new Map<Buffer, unknown>([
    [key('__ndarray__'), true],
    [key('data'), Buffer.from(data)],
    [key('dtype'), dtype],
    [key('shape'), [...shape]],
  ]);
}

export function floats(values: readonly number[], shape: readonly number[] = [values.length]): Map<Buffer, unknown> {
  return ndarray('<f4', shape, new Uint8Array(Float32Array.from(values).buffer));
}

/** Maps as objects, arrays as their values, bytes as they are. */
export function plain(value: unknown): unknown {
  if (!(value instanceof Map)) return Array.isArray(value) ? value.map(plain) : value;
  const entries = new Map(
    [...value].map(([name, member]) => [Buffer.isBuffer(name) ? `b:${name.toString('latin1')}` : String(name), member]),
  );
  if (entries.get('b:__ndarray__') === true) {
    const data = Uint8Array.from(entries.get('b:data') as Buffer);
    return { dtype: entries.get('b:dtype'), shape: entries.get('b:shape'), values: [...new Float32Array(data.buffer)] };
  }
  return Object.fromEntries([...entries].map(([name, member]) => [name, plain(member)]));
}

export interface Answer {
  readonly actions: { readonly dtype: string; readonly shape: readonly number[]; readonly values: readonly number[] };
  readonly server_timing: Readonly<Record<string, number>>;
  readonly policy_timing: Readonly<Record<string, number>>;
}

export function answerOf(bytes: Uint8Array): Answer {
  return plain(unpack(bytes)) as Answer;
}
