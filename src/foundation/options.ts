import { OptionError } from './errors.js';
import { shownOther, shownValue } from './shown.js';

/** An object with named members: no list, no typed array, not null. */
export function checkObject(where: string, name: string, value: unknown): object {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || ArrayBuffer.isView(value)) {
    throw new OptionError(`${where}: ${name} must be an object, found ${shownOther(value)}.`);
  }
  return value;
}

/**
 * Refuses keys that a function does not know, so that a typing mistake never passes silently.
 * `where` names the call, e.g. "loadPolicy".
 */
export function checkKeys(where: string, options: object, known: readonly string[]): void {
  for (const key of Object.keys(checkObject(where, 'options', options))) {
    if (!known.includes(key)) {
      throw new OptionError(`${where}: unknown option "${shownValue(key)}". Known options: ${known.join(', ')}.`);
    }
  }
}

/** The names of all options of an interface: a name that is left out, or that it does not have, does not compile. */
export function keysOf<X extends object>(keys: Readonly<Record<keyof X, true>>): readonly (keyof X & string)[] {
  return Object.keys(keys) as (keyof X & string)[];
}

/** An integer between bounds. */
export function checkInteger(where: string, name: string, value: unknown, least: number, most: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most) {
    throw new OptionError(`${where}: ${name} must be an integer from ${least} to ${most}, found ${shownOther(value)}.`);
  }
  return value;
}

/** One of a list of words. */
export function checkChoice<T extends string>(where: string, name: string, value: unknown, choices: readonly T[]): T {
  if (!choices.includes(value as T)) {
    throw new OptionError(`${where}: ${name} must be one of ${choices.join(', ')}, found ${shownValue(value)}.`);
  }
  return value as T;
}

/** A number that `accepts` takes; `wanted` says it in words, e.g. "a number from 0 to 1". */
export function checkNumber(where: string, name: string, value: unknown, wanted: string, accepts: (value: number) => boolean): number {
  if (typeof value !== 'number' || !accepts(value)) {
    throw new OptionError(`${where}: ${name} must be ${wanted}, found ${shownOther(value)}.`);
  }
  return value;
}

/** The scale of a prediction or of noise. */
export function checkScale(where: string, name: string, value: unknown): number {
  return checkNumber(where, name, value, 'a finite number of at least 0', (scale) => scale >= 0 && scale < Infinity);
}

export function checkText(where: string, name: string, value: unknown): string {
  if (typeof value !== 'string') throw new OptionError(`${where}: ${name} must be a text, found ${shownOther(value)}.`);
  return value;
}

export function checkToggle(where: string, name: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw new OptionError(`${where}: ${name} must be true or false, found ${shownOther(value)}.`);
  return value;
}

/** A list in the sense of JavaScript, with no more than `most` members; each of them is for `checkMember` to refuse. */
export function checkList<T>(
  where: string,
  name: string,
  value: readonly T[],
  checkMember: (member: T, index: number) => void = () => {},
  most = 2 ** 24,
): readonly T[] {
  if (!Array.isArray(value) || value.length > most) {
    throw new OptionError(`${where}: ${name} must be a list of at most ${most}, found ${shownOther(value)}.`);
  }
  // By index: the methods of a list pass over its holes.
  for (let index = 0; index < value.length; index++) checkMember(value[index] as T, index);
  return value;
}

/** The functions that an object must have. `like` says what it is, e.g. "a clock". */
export function checkMethods(where: string, name: string, value: unknown, like: string, methods: readonly string[]): void {
  const found = value as Readonly<Record<string, unknown>> | null | undefined;
  const isThere = typeof value === 'object' && value !== null;
  const missing = isThere ? methods.find((method) => typeof found?.[method] !== 'function') : undefined;
  if (!isThere || missing !== undefined) {
    const which = missing === undefined ? shownOther(value) : `an object without ${missing}()`;
    throw new OptionError(`${where}: ${name} must be ${like}, found ${which}.`);
  }
}

/** Callbacks that may be left out. */
export function checkCallbacks<X extends object>(where: string, options: X, names: readonly (keyof X & string)[]): void {
  for (const name of names) {
    const value: unknown = options[name];
    if (value !== undefined && typeof value !== 'function') {
      throw new OptionError(`${where}: ${name} must be a function, found ${shownOther(value)}.`);
    }
  }
}

/** A signal that may be left out: an AbortSignal, or what behaves like one. */
export function checkSignal(where: string, signal: unknown): void {
  if (signal === undefined) return;
  checkMethods(where, 'signal', signal, 'an AbortSignal', ['throwIfAborted']);
}

/**
 * Copies `count` numbers that a caller gave, as f64. The length is looked at before anything is copied, and each value before
 * it is converted: of `{ length: 1e9 }` nothing is read, and '1', null and 1n are no numbers. `refuse` says what is wrong:
 * what was found in place of an array of that length, or at an index.
 */
export function copyNumbers(values: unknown, count: number, refuse: (found: string, index?: number) => OptionError): Float64Array {
  const given = typeof values === 'object' && values !== null ? (values as Partial<ArrayLike<unknown>>) : {};
  if (given.length !== count) throw refuse(typeof given.length === 'number' ? String(given.length) : shownOther(values));
  const copy = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const value = given[i];
    if (typeof value !== 'number' || !Number.isFinite(value)) throw refuse(shownOther(value), i);
    copy[i] = value;
  }
  return copy;
}
