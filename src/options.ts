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

/** An integer between bounds. */
export function checkInteger(where: string, name: string, value: unknown, least: number, most: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most) {
    throw new OptionError(`${where}: ${name} must be an integer from ${least} to ${most}, got ${String(value)}.`);
  }
  return value;
}

/** One of a list of words. */
export function checkChoice<T extends string>(where: string, name: string, value: unknown, choices: readonly T[]): T {
  if (!choices.includes(value as T)) {
    throw new OptionError(`${where}: ${name} must be one of ${choices.join(', ')}, got ${String(value)}.`);
  }
  return value as T;
}
