import { element, escape, label } from '../../src/report/html.js';
import type { CaseRecord } from './record.js';
import { caseMs } from './report.js';

export interface Frame {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Radius of a circle that stands for all of a decision's time, in pixels: areas are shares. */
const FULL_RADIUS = 40;

/**
 * The roofline of Williams et al. 2009: what each matrix product reaches over its arithmetic intensity, both axes
 * logarithmic. The slope is the best stream kernel of the run; the flat roof is the best product seen, not a promise.
 */
export function rooflinePanel(
  frame: Frame,
  cases: readonly CaseRecord[],
  gigabytesPerSecond: number,
  colour: (kind: string) => string,
): string {
  const products = cases.filter(({ macs }) => macs > 0);
  // A short dispatch can begin and end within one tick of a device's clock: its rate is not known.
  const points = products
    .filter(({ dispatch }) => dispatch.p50 > 0)
    .map((found) => ({
      found,
      intensity: (2 * found.macs) / found.bytes,
      gigaflops: (2 * found.macs) / found.dispatch.p50 / 1e6,
    }));
  const unresolved = products.length - points.length;
  if (points.length === 0) {
    const reason = unresolved > 0 ? "no matrix product took longer than a tick of the device's clock" : 'no matrix product was measured';
    return label(frame.left, frame.top + 20, reason);
  }
  const total = cases.reduce((sum, found) => sum + caseMs(found), 0);
  const best = Math.max(...points.map(({ gigaflops }) => gigaflops));
  const xDecades = decades(points.map(({ intensity }) => intensity));
  const yDecades = decades([
    ...points.map(({ gigaflops }) => gigaflops),
    ...xDecades.map((x) => 10 ** x * gigabytesPerSecond).slice(0, 1),
    best,
  ]);
  const x = axis(xDecades, frame.left, frame.width);
  const y = axis(yDecades, frame.top + frame.height, -frame.height);
  const [lowest, highest] = [10 ** (xDecades[0] as number), 10 ** (xDecades.at(-1) as number)];
  const [floor, ceiling] = [10 ** (yDecades[0] as number), 10 ** (yDecades.at(-1) as number)];
  // The slope is drawn where it is inside the frame.
  const from = Math.max(lowest, floor / gigabytesPerSecond);
  const to = Math.min(highest, ceiling / gigabytesPerSecond);
  return element(
    'g',
    { stroke: 'none' },
    [
      ...xDecades.flatMap((power) => [
        element('line', { x1: x(10 ** power), y1: frame.top, x2: x(10 ** power), y2: frame.top + frame.height, stroke: '#dddddd' }),
        label(x(10 ** power), frame.top + frame.height + 18, amount(10 ** power), { 'text-anchor': 'middle' }),
      ]),
      ...yDecades.flatMap((power) => [
        element('line', { x1: frame.left, y1: y(10 ** power), x2: frame.left + frame.width, y2: y(10 ** power), stroke: '#dddddd' }),
        label(frame.left - 8, y(10 ** power) + 4, amount(10 ** power), { 'text-anchor': 'end' }),
      ]),
      label(frame.left + frame.width / 2, frame.top + frame.height + 38, 'arithmetic intensity, FLOP per byte', {
        'text-anchor': 'middle',
      }),
      label(
        frame.left,
        frame.top - 10,
        'matrix products, GFLOP/s; areas are shares of the time' +
          (unresolved > 0 ? `; ${unresolved} shorter than a tick of the device's clock are left out` : ''),
      ),
      element('line', {
        x1: x(from),
        y1: y(from * gigabytesPerSecond),
        x2: x(to),
        y2: y(to * gigabytesPerSecond),
        stroke: '#222222',
        'stroke-width': 1.5,
      }),
      element('line', { x1: x(lowest), y1: y(best), x2: x(highest), y2: y(best), stroke: '#222222', 'stroke-dasharray': '5 4' }),
      label(frame.left + frame.width + 14, y(best) + 4, `best product, ${amount(best)} GFLOP/s`),
      label(frame.left + frame.width + 14, frame.top + 14, `slope: best stream, ${amount(gigabytesPerSecond)} GB/s`),
      ...points.map(({ found, intensity, gigaflops }) =>
        element(
          'circle',
          {
            cx: x(intensity),
            cy: y(gigaflops),
            r: Math.max(2, FULL_RADIUS * Math.sqrt(caseMs(found) / total)),
            fill: colour(found.kind),
            'fill-opacity': 0.55,
            stroke: '#222222',
            'stroke-width': 0.5,
          },
          element('title', {}, escape(found.layers.join(', '))),
        ),
      ),
    ].join('\n'),
  );
}

/** Powers of ten around values. */
function decades(values: readonly number[]): number[] {
  const first = Math.floor(Math.log10(Math.min(...values)));
  const last = Math.max(first + 1, Math.ceil(Math.log10(Math.max(...values))));
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

function axis(powers: readonly number[], start: number, length: number): (value: number) => number {
  const [first, last] = [powers[0] as number, powers.at(-1) as number];
  return (value) => start + ((Math.log10(value) - first) / (last - first)) * length;
}

function amount(value: number): string {
  return value >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(2)));
}
