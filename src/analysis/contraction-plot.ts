import { type Axis, drawAxes, type Frame } from '../report/axes.js';
import { coordinate, element, label, svgFile } from '../report/html.js';
import type { Contraction, StepSpread } from './contraction.js';
import type { RatioSpread } from './spread.js';

/** A measurement with its name in the legend. */
export interface ContractionSeries {
  readonly name: string;
  readonly contraction: Contraction;
}

const PANEL_WIDTH = 520;
const HEIGHT = 440;
const LEFT = 60;
const TOP = 90;
const FRAME: Frame = { left: LEFT, top: TOP, width: PANEL_WIDTH - LEFT - 20, height: HEIGHT - TOP - 100 };
/** Distinct for colour-blind eyes too (palette of Okabe and Ito 2008). */
const COLOURS = ['#0072b2', '#d55e00'];
const HOW_TO_READ =
  'Line: mean in random directions; dark and light: 5 % to 95 %, smallest to largest. ' +
  'Dotted: mean and largest of displacements carried on from the start.';
/** More steps are bands: fewer would claim something about the timesteps between them. */
const MOST_BARS = 25;
/** Series lie side by side where they have steps in common. */
const SHIFT = 7;

const STYLE = `text { font: 12px sans-serif; fill: #222222 } .title { font-size: 16px; font-weight: bold }
.gridline { stroke: #dddddd } .axis { stroke: #222222 } .one { stroke: #000000; stroke-width: 1.5; stroke-dasharray: 6 4 }
.mean { fill: none; stroke-width: 1.5 } .carried { fill: none; stroke-width: 1.5; stroke-dasharray: 2 3 }`;

/**
 * The ratios of one or two measurements over the timestep, a panel for each delta, as an SVG file. Time runs from left to
 * right, noise to chunk. Nothing is cut off: the axis reaches to the largest ratio.
 */
export function contractionPlot(title: string, series: readonly ContractionSeries[]): string {
  const deltas = series[0]?.contraction.endToEnd.map(({ delta }) => delta) ?? [];
  const width = PANEL_WIDTH * deltas.length;
  const all = series.flatMap(({ contraction }) => contraction.steps);
  const x = timestepAxis(Math.max(1, ...all.map(({ timestep }) => timestep)));
  const largest = all.flatMap(({ spreads }) => spreads.flatMap(({ fresh, carried }) => [fresh.max, carried?.max ?? 0]));
  const y = ratioAxis(Math.max(1, ...largest));
  const content = [
    element('style', {}, STYLE),
    label(20, 28, title, { class: 'title' }),
    label(20, 48, HOW_TO_READ),
    ...deltas.map((delta, index) => element('g', { transform: `translate(${index * PANEL_WIDTH} 0)` }, panel(delta, index, series, x, y))),
    ...series.flatMap(({ name }, index) => [
      element('rect', { x: 20 + index * 260, y: HEIGHT - 28, width: 14, height: 14, fill: COLOURS[index % COLOURS.length] }),
      label(40 + index * 260, HEIGHT - 16, name),
    ]),
  ];
  return svgFile(width, HEIGHT, title, content);
}

function panel(delta: number, index: number, series: readonly ContractionSeries[], x: Axis, y: Axis): string[] {
  return [
    ...drawAxes(FRAME, x, { ...y, title: `‖μ(x+δ) − μ(x)‖ / ‖δ‖,  ‖δ‖ = ${delta}` }),
    element('line', { x1: LEFT, x2: LEFT + FRAME.width, y1: y.place(1), y2: y.place(1), class: 'one' }),
    ...series.flatMap(({ contraction }, place) =>
      curves(
        contraction.steps.map(({ timestep, spreads }) => ({ at: x.place(timestep) - place * SHIFT, spread: spreads[index] as StepSpread })),
        y,
        COLOURS[place % COLOURS.length] as string,
      ),
    ),
  ].map((part) => `\n${part}`);
}

/** One step of a series: where it lies, and what was measured. */
interface Mark {
  readonly at: number;
  readonly spread: StepSpread;
}

function curves(marks: readonly Mark[], y: Axis, colour: string): string[] {
  const line = (name: string, value: (spread: StepSpread) => number | undefined): string => {
    const points = marks.flatMap(({ at, spread }) => {
      const found = value(spread);
      return found === undefined ? [] : [`${coordinate(at)},${coordinate(y.place(found))}`];
    });
    return element('polyline', { points: points.join(' '), class: name, stroke: colour });
  };
  return [
    ...(marks.length > MOST_BARS ? bands(marks, y, colour) : marks.flatMap((mark) => bar(mark, y, colour))),
    line('mean', ({ fresh }) => fresh.mean),
    line('carried', ({ carried }) => carried?.mean),
    line('carried', ({ carried }) => carried?.max),
  ];
}

function bands(marks: readonly Mark[], y: Axis, colour: string): string[] {
  const edge = (value: keyof RatioSpread): string[] =>
    marks.map(({ at, spread }) => `${coordinate(at)},${coordinate(y.place(spread.fresh[value]))}`);
  const band = (low: keyof RatioSpread, high: keyof RatioSpread, opacity: number): string =>
    element('polygon', { points: [...edge(high), ...edge(low).reverse()].join(' '), fill: colour, opacity });
  return [band('min', 'max', 0.15), band('p5', 'p95', 0.3)];
}

function bar({ at, spread: { delta, fresh } }: Mark, y: Axis, colour: string): string[] {
  const line = (low: number, high: number, width: number, opacity: number): string =>
    element('line', { x1: at, x2: at, y1: y.place(low), y2: y.place(high), stroke: colour, 'stroke-width': width, opacity });
  const exact = element('title', {}, `δ ${delta}: mean ${fresh.mean}, max ${fresh.max}`);
  return [
    line(fresh.min, fresh.max, 1, 1),
    line(fresh.p5, fresh.p95, 6, 0.4),
    element('circle', { cx: at, cy: y.place(fresh.mean), r: 3, fill: colour }, exact),
  ];
}

/** From the noisiest timestep to 0. */
function timestepAxis(most: number): Axis {
  const step = roundStep(most / 8);
  const ticks = Array.from({ length: Math.floor(most / step) + 1 }, (_, index) => ({ value: index * step, text: String(index * step) }));
  return { title: 'timestep', ticks, place: (value) => LEFT + (1 - value / most) * FRAME.width };
}

function ratioAxis(largest: number): Axis {
  const step = roundStep(largest / 6);
  const count = Math.ceil(largest / step + 0.2);
  const digits = Math.max(0, -Math.floor(Math.log10(step)));
  const ticks = Array.from({ length: count + 1 }, (_, index) => ({ value: index * step, text: (index * step).toFixed(digits) }));
  return { title: '', ticks, place: (value) => TOP + (1 - value / (count * step)) * FRAME.height };
}

/** The next of 1, 2, 5, 10, … times a power of ten. */
function roundStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return ([1, 2, 5].find((mantissa) => mantissa * power >= least) ?? 10) * power;
}
