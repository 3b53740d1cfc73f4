import { OptionError } from '../../foundation/errors.js';
import { checkKeys, checkNumber, keysOf } from '../../foundation/options.js';
import { shownValue } from '../../foundation/shown.js';
import { SERVO_7V, SERVO_12V, type ServoParameters } from './servo.js';

/** What the servos of a simulated SO-101 are like. */
export interface So101Options {
  /** 12 (default) or 7.4 volts: two versions of the servo. */
  readonly voltage?: number;
  /** Register P of the position loops, 1 … 254. Default 16, as LeRobot sets it; the factory's is 32. */
  readonly p?: number;
  /** Multiplies all dry friction, 0 … 3. Default 1; what a bench measured may be half or one and a half of yours. */
  readonly friction?: number;
  /** Play of the gears of the five arm joints, degrees in all, 0 … 5. Default 0; measured: 0.87. */
  readonly backlash?: number;
  /** Probability that a reading of an encoder is a count off, 0 … 1. Default 0; real ones flicker at about 0.05. */
  readonly flicker?: number;
}

interface Range {
  readonly wanted: string;
  accepts(value: number): boolean;
}

const within = (low: number, high: number): Range => {
  return { wanted: `a number from ${low} to ${high}`, accepts: (value) => value >= low && value <= high };
};

/** Ranges of the options, and their defaults. */
const RANGES: Readonly<Record<keyof So101Options, Range & { readonly usual: number }>> = {
  voltage: { wanted: '12 or 7.4', accepts: (value) => value === 12 || value === 7.4, usual: 12 },
  p: { wanted: 'an integer from 1 to 254', accepts: (value) => Number.isInteger(value) && value >= 1 && value <= 254, usual: 16 },
  friction: { ...within(0, 3), usual: 1 },
  backlash: { ...within(0, 5), usual: 0 },
  flicker: { ...within(0, 1), usual: 0 },
};
const KEYS = keysOf<So101Options>({ voltage: true, p: true, friction: true, backlash: true, flicker: true });

/** Options that were checked, all of them. */
export type CheckedSo101Options = Readonly<Record<keyof So101Options, number>>;

/** @throws OptionError */
export function checkSo101Options(where: string, options: So101Options): CheckedSo101Options {
  checkKeys(where, options, KEYS);
  const checked = KEYS.map((key): [string, number] => {
    const { wanted, accepts, usual } = RANGES[key];
    const value = options[key];
    return [key, value === undefined ? usual : checkNumber(where, key, value, wanted, accepts)];
  });
  return Object.fromEntries(checked) as CheckedSo101Options;
}

/**
 * Options as a task's name spells them: `voltage=7.4`, `backlash=0.87`, between slashes.
 * @throws OptionError for an option that there is not, one given twice, or a value out of its range.
 */
export function parseSo101Options(where: string, parts: readonly string[]): So101Options {
  const options: Record<string, number> = {};
  for (const part of parts) {
    const [, key = '', value = ''] = /^([^=]*)=(.*)$/.exec(part) ?? [];
    if (!(KEYS as readonly string[]).includes(key) || value.trim() === '' || Object.hasOwn(options, key)) {
      const found = Object.hasOwn(options, key) ? `${key} twice` : part === '' ? 'nothing behind a slash' : shownValue(part);
      throw new OptionError(`${where}: expected options ${KEYS.map((name) => `${name}=…`).join(', ')}, each once, found ${found}.`);
    }
    options[key] = Number(value);
  }
  checkSo101Options(where, options);
  return options;
}

/** How they are spelled behind a task's name: those that are not the usual ones, in one order. */
export function spellSo101Options(options: CheckedSo101Options): string {
  return KEYS.filter((key) => options[key] !== RANGES[key].usual)
    .map((key) => `/${key}=${options[key]}`)
    .join('');
}

/** The servo that the options describe. */
export function servoOf({ voltage, p, friction }: CheckedSo101Options): ServoParameters {
  const base = voltage === 12 ? SERVO_12V : SERVO_7V;
  const scaled = Object.fromEntries(Object.entries(base.friction).map(([part, value]) => [part, friction * value]));
  return { ...base, proportional: p, friction: scaled as ServoParameters['friction'] };
}
