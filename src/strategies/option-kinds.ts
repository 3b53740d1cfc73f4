import { OptionError } from '../foundation/errors.js';
import { checkChoice, checkInteger, checkNumber, checkToggle } from '../foundation/options.js';
import type { StrategyContext } from './strategy.js';

/** Reads an option from the text of a command line; `where` names it. @throws OptionError. */
export type Read = (text: string, where: string) => unknown;

/** One option of a strategy: what a program may give, and what the strategy gets of it. */
export interface OptionKind<Given, Checked> {
  /** For people: what it is, and its default. */
  readonly help: string;
  /** Undefined where a command line cannot spell it. */
  readonly read: Read | undefined;
  /** @throws OptionError, which says what was expected and what was found. */
  check(where: string, name: string, value: Given, context: StrategyContext): Checked;
  /** What stands for an option that is not given. */
  fallback(context: StrategyContext): Given | undefined;
}

/** A default, or how it follows from the policy. */
export type Fallback<D> = D | ((context: StrategyContext) => D);

export const readNumber: Read = (text, where) => {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new OptionError(`${where} must be a number, found "${text}"`);
  return value;
};
export const readWord: Read = (text) => text;
export const readToggle: Read = (text, where) => {
  if (text !== '' && text !== 'on' && text !== 'off') throw new OptionError(`${where} must be on or off, found "${text}"`);
  return text !== 'off';
};

/** An option with a check of its own; without a default the strategy gets undefined. */
export function option<Given, Checked, D extends Given | undefined>(
  fallback: Fallback<D>,
  help: string,
  read: Read | undefined,
  check: (where: string, name: string, value: Given, context: StrategyContext) => Checked,
): OptionKind<Given, Checked | Extract<D, undefined>> {
  return { help, read, check, fallback: (context) => (fallback instanceof Function ? fallback(context) : fallback) };
}

type Numbered<D> = OptionKind<number, number | Extract<D, undefined>>;

/** A number that `accepts` takes; `wanted` says it in words. */
export function numberThat<D extends number | undefined>(
  wanted: string,
  accepts: (value: number) => boolean,
  fallback: Fallback<D>,
  help: string,
): Numbered<D> {
  return option<number, number, D>(fallback, help, readNumber, (where, name, value) => checkNumber(where, name, value, wanted, accepts));
}

export function fraction<D extends number | undefined>(fallback: Fallback<D>, help: string): Numbered<D> {
  return numberThat('a number from 0 to 1', (value) => value >= 0 && value <= 1, fallback, help);
}

export function positive<D extends number | undefined>(fallback: Fallback<D>, help: string): Numbered<D> {
  return numberThat('a finite number above 0', (value) => value > 0 && value < Infinity, fallback, help);
}

export function integer<D extends number | undefined>(
  least: number,
  most: Fallback<number>,
  fallback: Fallback<D>,
  help: string,
): Numbered<D> {
  return option<number, number, D>(fallback, help, readNumber, (where, name, value, context) =>
    checkInteger(where, name, value, least, typeof most === 'number' ? most : most(context)),
  );
}

/** Network evaluations: from 1 to the training timesteps. */
export function evaluations<D extends number | undefined>(fallback: Fallback<D>, help: string): Numbered<D> {
  return integer(1, ({ scheduler }) => scheduler.numTrainTimesteps, fallback, help);
}

export function toggle<D extends boolean | undefined>(
  fallback: Fallback<D>,
  help: string,
): OptionKind<boolean, boolean | Extract<D, undefined>> {
  return option<boolean, boolean, D>(fallback, help, readToggle, checkToggle);
}

export function choice<const T extends string, D extends T | undefined>(
  choices: readonly T[],
  fallback: Fallback<D>,
  help: string,
): OptionKind<T, T | Extract<D, undefined>> {
  return option<T, T, D>(fallback, help, readWord, (where, name, value) => checkChoice(where, name, value, choices));
}
