import { type Axis, drawAxes, type Frame } from '../../report/axes.js';
import { coordinate, element, escape, picture } from '../../report/html.js';

/** Points of a line; a point that is not finite is left out. */
export interface Line {
  readonly name: string;
  /** Of the style sheet: `first` … `fourth`. */
  readonly look: string;
  readonly points: readonly (readonly [number, number])[];
}

export interface PlotOptions {
  readonly title: string;
  readonly x: string;
  readonly isLog: boolean;
  /** Largest x; default that of the points. */
  readonly end?: number;
}

const WIDTH = 520;
const HEIGHT = 300;
const FRAME: Frame = { left: 58, top: 26, width: WIDTH - 74, height: HEIGHT - 74 };

/** Lines over a number that counts something, with a linear or logarithmic height. */
export function plot(lines: readonly Line[], { title, x, isLog, end }: PlotOptions): string {
  const shown = lines.map((line) => ({
    ...line,
    points: line.points.filter(([at, value]) => Number.isFinite(at) && (isLog ? value > 0 : true) && Number.isFinite(value)),
  }));
  const points = shown.flatMap((line) => line.points);
  const values = points.map(([, value]) => value);
  if (values.length === 0) return '';
  const last = end ?? points.reduce((most, [at]) => Math.max(most, at), 1);
  const across = countAxis(x, last);
  const up = isLog ? logAxis(values) : linearAxis(values);
  const paths = shown.map(({ name, look, points: line }) =>
    element('path', { class: `line ${look}`, d: path(line, across, up) }, element('title', {}, escape(name))),
  );
  const names = lines.map(({ name, look }) => element('span', { class: `name ${look}` }, escape(name)));
  return element('figure', {}, [
    element('figcaption', {}, [escape(title), ' ', ...(lines.length > 1 ? names : [])]),
    picture(WIDTH, HEIGHT, title, [...drawAxes(FRAME, across, up), ...paths]),
  ]);
}

function path(points: readonly (readonly [number, number])[], x: Axis, y: Axis): string {
  return points.map(([at, value], i) => `${i === 0 ? 'M' : 'L'}${coordinate(x.place(at))} ${coordinate(y.place(value))}`).join('');
}

function countAxis(title: string, high: number): Axis {
  const step = roundStep(high / 6, 1);
  const ticks = Array.from({ length: Math.floor(high / step) + 1 }, (_, i) => ({
    value: i * step,
    text: (i * step).toLocaleString('en-US'),
  }));
  return { title, ticks, place: (value) => FRAME.left + (value / high) * FRAME.width };
}

function linearAxis(values: readonly number[]): Axis {
  const [low, high] = rangeOf(values);
  const step = roundStep((high - low) / 5 || 1, 0);
  const from = Math.floor(low / step);
  const to = Math.max(from + 1, Math.ceil(high / step));
  const ticks = Array.from({ length: to - from + 1 }, (_, i) => ({
    value: (from + i) * step,
    text: String(Number(((from + i) * step).toPrecision(3))),
  }));
  const place = (value: number): number => FRAME.top + (1 - (value / step - from) / (to - from)) * FRAME.height;
  return { title: '', ticks, place };
}

function logAxis(values: readonly number[]): Axis {
  const [least, most] = rangeOf(values);
  const low = Math.log10(least) - 0.05;
  const high = Math.log10(most) + 0.05;
  const inside = (mantissas: readonly number[]): number[] =>
    Array.from({ length: Math.ceil(high) - Math.floor(low) + 1 }, (_, i) => 10 ** (Math.floor(low) + i))
      .flatMap((power) => mantissas.map((mantissa) => Number((mantissa * power).toPrecision(2))))
      .filter((value) => Math.log10(value) >= low && Math.log10(value) <= high);
  const found = [[1], [1, 2, 5], [1, 2, 3, 4, 5, 6, 7, 8, 9]].map(inside).find((ticks) => ticks.length > 2) ?? [least, most];
  const ticks = found.map((value) => ({ value, text: String(Number(value.toPrecision(2))) }));
  return { title: '', ticks, place: (value) => FRAME.top + (1 - (Math.log10(value) - low) / (high - low)) * FRAME.height };
}

/** 1, 2 or 5 times a power of ten, at least `wanted` and `least`. */
function roundStep(wanted: number, least: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(wanted, least, Number.MIN_VALUE)));
  const step = [1, 2, 5, 10].map((mantissa) => mantissa * power).find((candidate) => candidate >= wanted) ?? power;
  return Math.max(step, least);
}

/** A spread of a list of thousands would be arguments of a call. */
function rangeOf(values: readonly number[]): [number, number] {
  return values.reduce<[number, number]>(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);
}
