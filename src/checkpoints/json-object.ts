import { CheckpointError, UnsupportedCheckpointError } from '../foundation/errors.js';
import { shown } from '../foundation/shown.js';
import type { ByteSource } from './source.js';
import { parseStrictJson } from './strict-json.js';

export { shown } from '../foundation/shown.js';

/** Configurations are a few kilobytes; anything near this is not one. */
const MAX_JSON_BYTES = 1024 * 1024;
/** What some editors put before UTF-8; it means nothing. */
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

/** A JSON object whose values are taken by key and checked on the way; every message names the file and the key. */
export class JsonObject {
  readonly where: string;
  readonly #value: Readonly<Record<string, unknown>>;

  constructor(where: string, value: unknown) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new CheckpointError(
        `${where}: expected a JSON object, found ${shown(value)}. Use the file as training wrote it, or export it again.`,
      );
    }
    this.where = where;
    this.#value = value as Readonly<Record<string, unknown>>;
  }

  has(key: string): boolean {
    // Keys such as "constructor" or "__proto__" shall never reach a prototype.
    return Object.hasOwn(this.#value, key);
  }

  /** True for a key that is absent or null: LeRobot writes null for "use the default". */
  isNull(key: string): boolean {
    return (this.value(key) ?? null) === null;
  }

  keys(): string[] {
    return Object.keys(this.#value);
  }

  entries(): [string, unknown][] {
    return Object.entries(this.#value);
  }

  value(key: string): unknown {
    return this.has(key) ? this.#value[key] : undefined;
  }

  integer(key: string, range: { fallback?: number; min?: number; max?: number }): number {
    const { fallback, min = 1, max = 65_536 } = range;
    const value = this.#get(key, fallback);
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max) {
      this.fail(key, `an integer from ${min} to ${max}`);
    }
    return value;
  }

  /** A finite number strictly between two bounds. */
  number(key: string, range: { fallback: number; above: number; below: number }): number {
    const value = this.#get(key, range.fallback);
    if (typeof value !== 'number' || !(value > range.above && value < range.below)) {
      this.fail(key, `a number above ${range.above} and below ${range.below}`);
    }
    return value;
  }

  boolean(key: string, fallback: boolean): boolean {
    const value = this.#get(key, fallback);
    if (typeof value !== 'boolean') this.fail(key, 'true or false');
    return value;
  }

  string(key: string): string {
    const value = this.value(key);
    if (typeof value !== 'string') this.fail(key, 'a string');
    return value;
  }

  /**
   * A word that says how a network was trained or is sampled. One that is not known here is no mistake of the file: it throws
   * UnsupportedCheckpointError, and the advice is never to write another one.
   */
  choice<const T extends string>(key: string, accepted: readonly T[], fallback: T): T {
    const value = this.#get(key, fallback);
    const found = accepted.find((candidate) => candidate === value);
    if (found !== undefined) return found;
    const names = accepted.map((name) => `"${name}"`).join(', ');
    if (typeof value !== 'string') return this.fail(key, `one of ${names}`);
    return this.unsupported(key, `${names} ${accepted.length === 1 ? 'is' : 'are'}`);
  }

  /**
   * Throws UnsupportedCheckpointError for a value that the reference runs and this engine does not. `supported` ends in a verb, such as
   * `false is`. A value that is edited lets the network load and decide wrongly, so the advice is to train.
   */
  unsupported(key: string, supported: string): never {
    throw new UnsupportedCheckpointError(
      `${this.where}: "${key}" ${shown(this.value(key))} is not supported (${supported}). Train a policy with a supported value, or run this ` +
        'one with what trained it. Writing another value into the file would make its actions wrong.',
    );
  }

  /** A list of integers of any length, 0 included only when `min` says so. */
  integers(key: string, range: { fallback?: readonly number[]; min?: number; max?: number }): readonly number[] {
    const { fallback, min = 1, max = 65_536 } = range;
    const value = this.#get(key, fallback);
    const isValid = (item: unknown): item is number => Number.isSafeInteger(item) && (item as number) >= min && (item as number) <= max;
    if (!Array.isArray(value) || !value.every(isValid)) this.fail(key, `a list of integers from ${min} to ${max}`);
    return value;
  }

  strings(key: string): readonly string[] {
    const value = this.value(key);
    if (!Array.isArray(value) || !value.every((item) => typeof item === 'string')) this.fail(key, 'a list of strings');
    return value;
  }

  /** A nested object; an absent one is empty. */
  object(key: string): JsonObject {
    return new JsonObject(`${this.where}, "${key}"`, this.value(key) ?? {});
  }

  /** A nested list of objects. */
  objects(key: string): readonly JsonObject[] {
    const value = this.value(key);
    if (!Array.isArray(value)) this.fail(key, 'a list');
    return value.map((item, i) => new JsonObject(`${this.where}, "${key}" ${i}`, item));
  }

  fail(key: string, expected: string): never {
    const found = this.has(key) ? shown(this.value(key)) : 'nothing';
    throw new CheckpointError(
      `${this.where}: "${key}" must be ${expected}, found ${found}. Use the file as training wrote it, or export it again.`,
    );
  }

  #get(key: string, fallback: unknown): unknown {
    return this.has(key) ? this.value(key) : fallback;
  }
}

/** Reads one whole JSON file whose top level is an object. */
export async function readJsonObject(source: ByteSource): Promise<JsonObject> {
  if (source.size > MAX_JSON_BYTES) {
    throw new CheckpointError(
      `${source.name}: expected at most ${MAX_JSON_BYTES} bytes of JSON, found ${source.size}. ` + 'Export the checkpoint again.',
    );
  }
  const bytes = new Uint8Array(source.size);
  await source.read(0, bytes);
  const isMarked = BYTE_ORDER_MARK.every((byte, i) => bytes[i] === byte);
  return new JsonObject(source.name, parseStrictJson(isMarked ? bytes.subarray(BYTE_ORDER_MARK.length) : bytes, source.name));
}
