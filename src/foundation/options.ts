import { OptionError } from './errors.js';

/**
 * Refuses keys that a function does not know, so that a typing mistake never passes silently.
 * `where` names the call, e.g. "loadPolicy".
 */
export function checkKeys(where: string, options: object, known: readonly string[]): void {
  for (const key of Object.keys(options)) {
    if (!known.includes(key)) {
      throw new OptionError(`${where}: unknown option "${key}". Known options: ${known.join(', ')}.`);
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
    throw new OptionError(`${where}: ${name} must be an integer from ${least} to ${most}, found ${String(value)}.`);
  }
  return value;
}

/** One of a list of words. */
export function checkChoice<T extends string>(where: string, name: string, value: unknown, choices: readonly T[]): T {
  if (!choices.includes(value as T)) {
    throw new OptionError(`${where}: ${name} must be one of ${choices.join(', ')}, found ${String(value)}.`);
  }
  return value as T;
}

/** A number that `accepts` takes; `wanted` says it in words, e.g. "a number from 0 to 1". */
export function checkNumber(where: string, name: string, value: unknown, wanted: string, accepts: (value: number) => boolean): number {
  if (typeof value !== 'number' || !accepts(value)) {
    throw new OptionError(`${where}: ${name} must be ${wanted}, found ${String(value)}.`);
  }
  return value;
}

/** The scale of a prediction or of noise. */
export function checkScale(where: string, name: string, value: unknown): number {
  return checkNumber(where, name, value, 'a finite number of at least 0', (scale) => scale >= 0 && scale < Infinity);
}
