import type { Interval } from '../statistics.js';

/** What stands for a number that was not measured. */
export const NOTHING = '–';

/** Scores and other numbers of about one: three decimals. */
export function decimal(value: number | undefined, digits = 3): string {
  return value === undefined ? NOTHING : value.toFixed(digits).replace('-', '−');
}

/** With its sign, as differences are read: "+0.012", "−0.300". */
export function signed(value: number): string {
  return value > 0 ? `+${decimal(value)}` : decimal(value);
}

export function range({ low, high }: Interval, show: (value: number) => string = decimal): string {
  return `${show(low)} … ${show(high)}`;
}

/** A share of one: 0.42 → "42 %", which no line break parts. */
export function percent(share: number): string {
  return `${(100 * share).toFixed(0)}\u00a0%`;
}

/** Milliseconds with three digits that mean something. */
export function milliseconds(value: number | undefined): string {
  if (value === undefined) return NOTHING;
  return value.toFixed(value < 1 ? 3 : value < 10 ? 2 : value < 100 ? 1 : 0);
}

/** Evaluations per decision: an integer where it is one. */
export function evaluations(value: number | undefined): string {
  return value === undefined ? NOTHING : Number.isInteger(value) ? String(value) : value.toFixed(2);
}

/** Parameters that are trained beside a policy: "1.25 M". */
export function trained(parameters: number): string {
  return parameters === 0 ? 'none' : `${decimal(parameters / 1e6, 2)} M`;
}

export function plural(number: number, noun: string, plurals = `${noun}s`): string {
  return `${number.toLocaleString('en-US')} ${number === 1 ? noun : plurals}`;
}

/**
 * Style of a cell that stands for a score: blue towards 1, orange towards 0, the colour of the page half way. The style
 * sheet mixes the colours, so that one file fits light and dark pages.
 */
export function shade(score: number): string {
  const strength = Math.round(Math.abs(2 * Math.min(1, Math.max(0, score)) - 1) * 100);
  return `--ink:var(${score >= 0.5 ? '--high' : '--low'});--strength:${strength}%`;
}

/** A moment of a replay, as a link names it. */
export interface ReplayMoment {
  readonly strategy: string;
  readonly seed: number;
  /** Control step. */
  readonly tick: number;
  /** Strategy that is shown beside it. */
  readonly beside?: string | undefined;
}

/**
 * `#replay=step:2,100003,120`, or with `,ddim:10` beside it. Names are percent-encoded but for what is readable and safe in
 * them. The page is given the text of this function, so that it writes the same.
 */
export function replayHash({ strategy, seed, tick, beside }: ReplayMoment): string {
  const encode = (name: string): string => encodeURIComponent(name).replace(/%(?:3A|2F|3D|2B)/g, decodeURIComponent);
  return `#replay=${[encode(strategy), seed, tick, ...(beside === undefined ? [] : [encode(beside)])].join(',')}`;
}
