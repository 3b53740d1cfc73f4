import { PROFILES, type Profile } from '../runtime/device.js';

/** The command line itself is wrong: the caller prints the message, and where the options are explained. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}

/** An option that must be there. */
export function required(name: string, value: string | undefined): string {
  if (value === undefined || value === '') throw new UsageError(`option --${name} is missing`);
  return value;
}

/** A whole number, or undefined where the option was not given. */
export function integerOption(name: string, text: string | undefined, least = 0, most = Number.MAX_SAFE_INTEGER): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!/^\d+$/.test(text) || !(value >= least && value <= most)) {
    const range = most === Number.MAX_SAFE_INTEGER ? `${least} or more` : `${least} to ${most}`;
    throw new UsageError(`--${name} must be a whole number, ${range}, found "${text}"`);
  }
  return value;
}

/** Whole numbers between commas, or undefined where the option was not given. */
export function integerListOption(name: string, text: string | undefined, least: number, most: number): number[] | undefined {
  return text?.split(',').map((part) => integerOption(name, part.trim(), least, most) as number);
}

/** A number between bounds, or undefined where the option was not given. */
export function numberOption(name: string, text: string | undefined, least = 0, most = Number.MAX_VALUE): number | undefined {
  if (text === undefined) return undefined;
  const value = numberIn(text);
  if (!(value >= least && value <= most)) {
    const range = most === Number.MAX_VALUE ? `${least} or more` : `${least} to ${most}`;
    throw new UsageError(`--${name} must be a number, ${range}, found "${text}"`);
  }
  return value;
}

/** A number above 0 and below `bound`, or undefined where the option was not given. */
export function positiveOption(name: string, text: string | undefined, bound = Infinity): number | undefined {
  if (text === undefined) return undefined;
  const value = numberIn(text);
  if (!(value > 0 && value < bound)) {
    throw new UsageError(`--${name} must be a number above 0${bound === Infinity ? '' : ` and below ${bound}`}, found "${text}"`);
  }
  return value;
}

/** Digits, with a fraction and an exponent where there are. `Number` alone takes more: "", " 30 ", "0x20". */
const NUMBER = /^-?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** NaN where a text is none. */
function numberIn(text: string): number {
  return NUMBER.test(text) ? Number(text) : NaN;
}

/** Words between commas, each one of a few, or undefined where the option was not given. */
export function choiceListOption<T extends string>(name: string, text: string | undefined, choices: readonly T[]): T[] | undefined {
  return text?.split(',').map((part) => choiceOption(name, part.trim(), choices) as T);
}

/** One of a few words, or undefined where the option was not given. */
export function choiceOption<T extends string>(name: string, text: string | undefined, choices: readonly T[]): T | undefined {
  if (text === undefined) return undefined;
  const found = choices.find((choice) => choice === text);
  if (found === undefined) throw new UsageError(`--${name} must be one of ${choices.join(', ')}, found "${text}"`);
  return found;
}

/** The profile of the device, or undefined where the option was not given. */
export function profileOption(text: string | undefined): Profile | undefined {
  return choiceOption('profile', text, PROFILES);
}

/** Refuses more positional arguments than a command has. */
export function atMost(positionals: readonly string[], most: number): void {
  const extra = positionals[most];
  if (extra !== undefined) throw new UsageError(`unexpected argument "${extra}"`);
}

/** An object without the keys whose value is undefined: options that were not given are left to their defaults. */
export function given<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
