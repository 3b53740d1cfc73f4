import { element, label } from './html.js';

/** The part of a picture that data are drawn in. */
export interface Frame {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

export interface Tick {
  readonly value: number;
  readonly text: string;
}

/** One direction of a plot: where a value lies, and which values are written at it. */
export interface Axis {
  readonly title: string;
  readonly ticks: readonly Tick[];
  place(value: number): number;
}

/** Scores go from 0 to 1 in every plot, so that plots can be compared. */
export function scoreAxis(title: string, { top, height }: Frame): Axis {
  const ticks = [0, 0.2, 0.4, 0.6, 0.8, 1].map((value) => ({ value, text: value.toFixed(1) }));
  return { title, ticks, place: (value) => top + (1 - value) * height };
}

/** A horizontal axis from 0 to `high`, in whole numbers. */
export function countAxis(title: string, high: number, { left, width }: Frame): Axis {
  const step = [1, 2, 5, 10, 20, 50, 100, 200, 500].find((candidate) => high / candidate <= 6) ?? Math.ceil(high / 6);
  const ticks = Array.from({ length: Math.floor(high / step) + 1 }, (_, index) => ({ value: index * step, text: String(index * step) }));
  return { title, ticks, place: (value) => left + (value / high) * width };
}

/** A horizontal axis of positive values, logarithmic, with room on both sides. */
export function logAxis(title: string, values: readonly number[], { left, width }: Frame): Axis {
  const low = Math.log10(Math.min(...values)) - 0.2;
  const high = Math.log10(Math.max(...values)) + 0.2;
  const inside = (mantissas: readonly number[]): Tick[] =>
    Array.from({ length: Math.ceil(high) - Math.floor(low) }, (_, index) => 10 ** (Math.floor(low) + index))
      .flatMap((power) => mantissas.map((mantissa) => Number((mantissa * power).toPrecision(2))))
      .filter((value) => Math.log10(value) >= low && Math.log10(value) <= high)
      .map((value) => ({ value, text: String(value) }));
  // Values that lie close together may have no round number between them.
  const ticks =
    [inside([1, 2, 5]), inside([1, 2, 3, 4, 5, 6, 7, 8, 9])].find((found) => found.length > 2) ?? inside([1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9]);
  return { title, ticks, place: (value) => left + ((Math.log10(value) - low) / (high - low)) * width };
}

/** Grid lines, numbers and titles. */
export function drawAxes({ left, top, width, height }: Frame, x: Axis, y: Axis): string[] {
  const bottom = top + height;
  return [
    ...y.ticks.flatMap(({ value, text }) => [
      element('line', { x1: left, x2: left + width, y1: y.place(value), y2: y.place(value), class: 'gridline' }),
      label(left - 8, y.place(value) + 4, text, { class: 'tick', 'text-anchor': 'end' }),
    ]),
    ...x.ticks.flatMap(({ value, text }) => [
      element('line', { x1: x.place(value), x2: x.place(value), y1: bottom, y2: bottom + 4, class: 'axis' }),
      label(x.place(value), bottom + 18, text, { class: 'tick', 'text-anchor': 'middle' }),
    ]),
    element('line', { x1: left, x2: left + width, y1: bottom, y2: bottom, class: 'axis' }),
    label(left + width, bottom + 38, x.title, { class: 'tick', 'text-anchor': 'end' }),
    label(left - 30, top - 12, y.title, { class: 'tick' }),
  ];
}
