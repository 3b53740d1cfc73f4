import { drawAxes, type Frame, logAxis, scoreAxis } from '../../report/axes.js';
import { coordinate, element, escape, label, picture, section } from '../../report/html.js';
import { COSTS, type Cost } from './costs.js';
import { decimal, range } from './format.js';
import { marker } from './marks.js';
import type { ReportModel, Row } from './model.js';
import { placeLabels } from './place-labels.js';
import { EQUAL_COST, verdictOf, verdictText } from './verdict.js';

interface Point {
  readonly row: Row;
  readonly cost: number;
  readonly score: number;
}

/** One picture for each class of screen: text must not shrink with the picture. */
const SIZES = [
  { media: 'wide', width: 960, height: 470, longestLabel: 34 },
  { media: 'narrow', width: 400, height: 420, longestLabel: 20 },
] as const;
type Size = (typeof SIZES)[number];

/**
 * Score against cost, by latency and by evaluations; buttons switch between them without a script. Where the record has a strategy in question, the
 * picture answers it: that one is marked, and what costs more is grey.
 */
export function frontierSection(model: ReportModel): string {
  const { rows } = model;
  const plots = COSTS.map((cost) => ({ cost, points: pointsOf(rows, cost) })).filter(({ points }) => points.length > 0);
  if (plots.length === 0) return '';
  const choices = plots.flatMap(({ cost }, index) => [
    element('input', { type: 'radio', name: 'cost', id: `cost-${cost.id}`, checked: index === 0 ? '' : undefined }),
    element('label', { for: `cost-${cost.id}` }, escape(cost.name)),
  ]);
  const pictures = plots.map(({ cost, points }) =>
    element('div', { class: 'plot', 'data-cost': cost.id }, [
      answer(model, cost),
      ...SIZES.map((size) => plot(cost, points, model, size)),
      missing(rows, points, cost),
    ]),
  );
  const introduction =
    'Up is better, left is cheaper. Bars are 95&nbsp;% intervals of the score; ' +
    'the line joins the strategies that no other one beats at equal or ' +
    'lower cost. The pointer over a point tells its numbers.' +
    (model.focus
      ? ' Grey strategies cost more than the one in question. Differences are paired, seed by seed, with 95&nbsp;% intervals.'
      : '');
  return section('frontier', model.focus ? QUESTION : 'Score against cost', introduction, [
    element('div', { class: 'switch' }, [...choices, ...pictures]),
  ]);
}

/** What STEP's paper claims. */
const QUESTION = 'Do two warm-started steps beat all others at equal cost?';

function answer(model: ReportModel, cost: Cost): string {
  const verdict = verdictOf(model, cost);
  return verdict ? verdictText(model, cost, verdict) : '';
}

function pointsOf(rows: readonly Row[], cost: Cost): Point[] {
  return rows.flatMap((row) => {
    const found = cost.of(row);
    return found === undefined || found <= 0 ? [] : [{ row, cost: found, score: row.summary.score.mean }];
  });
}

/** The points that no other one beats: each has a higher score than all cheaper ones. By cost, ascending. */
export function frontOf<T extends { readonly cost: number; readonly score: number }>(points: readonly T[]): T[] {
  const byCost = [...points].sort((a, b) => a.cost - b.cost || b.score - a.score);
  let best = -Infinity;
  return byCost.filter(({ score }) => {
    const better = score > best;
    if (better) best = score;
    return better;
  });
}

function plot(cost: Cost, points: readonly Point[], { crowd, focus }: ReportModel, { media, width, height, longestLabel }: Size): string {
  const limit = focus && cost.of(focus);
  const isGrey = (point: Point): boolean => limit !== undefined && point.cost > EQUAL_COST * limit;
  const frame: Frame = { left: 44, top: 30, width: width - 60, height: height - 76 };
  const x = logAxis(
    cost.axis,
    points.map((point) => point.cost),
    frame,
  );
  const y = scoreAxis('score', frame);
  const front = frontOf(points);
  // The best ones choose the places of their labels first.
  const rank = (point: Point): number => (point.row === focus ? 0 : front.includes(point) ? 1 : isGrey(point) ? 3 : 2);
  const ordered = [...points].sort((a, b) => rank(a) - rank(b));
  const places = ordered.map((point) => {
    const { name } = point.row.summary;
    const text = crowd.has(name) && !front.includes(point) ? '' : shortened(name, longestLabel);
    return { x: x.place(point.cost), y: y.place(point.score), text, point };
  });
  const drawn = inFront(points, focus).map((point) => {
    const { low, high } = point.row.summary.score.interval;
    const at = x.place(point.cost);
    return { point, whisker: { left: at - 2, right: at + 2, top: y.place(high), bottom: y.place(low) } };
  });
  const whiskers = drawn.map(({ whisker }) => whisker);
  const labels = placeLabels(places, whiskers, { left: frame.left, top: 0, right: width, bottom: frame.top + frame.height });
  return picture(
    width,
    height,
    `Score against ${cost.axis}`,
    [
      ...drawAxes(frame, x, y),
      ...(limit === undefined || limit <= 0
        ? []
        : [element('line', { class: 'limit', x1: x.place(limit), x2: x.place(limit), y1: frame.top, y2: frame.top + frame.height })]),
      element('path', { class: 'front', d: path(front.map((point) => [x.place(point.cost), y.place(point.score)])) }),
      ...drawn.map(({ point, whisker: { left, right, top, bottom } }) => {
        const { name, score } = point.row.summary;
        const cap = (y: number): string => `M${coordinate(left - 2)} ${coordinate(y)}h8`;
        const bar = `M${coordinate(left + 2)} ${coordinate(top)}V${coordinate(bottom)}${cap(top)}${cap(bottom)}`;
        const isFocus = point.row === focus;
        return element('g', { class: isGrey(point) ? 'point grey' : 'point' }, [
          element(
            'title',
            {},
            escape(`${name}: score ${decimal(score.mean)} (${range(score.interval)}), ${cost.show(point.cost)}${cost.unit}`),
          ),
          isFocus ? element('circle', { class: 'ring', cx: (right + left) / 2, cy: y.place(point.score), r: 10 }) : '',
          element('path', { d: bar, class: 'whisker', stroke: point.row.look.colour }),
          marker((right + left) / 2, y.place(point.score), point.row.look, 5.5),
        ]);
      }),
      ...labels.flatMap(({ point, x: left, y: baseline, leader }) => [
        ...(leader ? [element('line', { x1: point.x, y1: point.y, x2: leader.x, y2: leader.y, class: 'leader' })] : []),
        label(left, baseline, point.text, { class: labelClass(point.point, isGrey(point.point), focus) }),
      ]),
    ],
    { class: media },
  );
}

/** In the order of drawing: the one in question covers others. */
function inFront(points: readonly Point[], focus: Row | undefined): Point[] {
  return [...points].sort((a, b) => Number(a.row === focus) - Number(b.row === focus));
}

function labelClass({ row }: Point, isGrey: boolean, focus: Row | undefined): string {
  if (row === focus) return 'label strong';
  return isGrey ? 'label grey' : 'label';
}

function path(points: readonly (readonly [number, number])[]): string {
  return `M${points.map(([x, y]) => `${coordinate(x)} ${coordinate(y)}`).join('L')}`;
}

function shortened(name: string, longest: number): string {
  if (name.length <= longest) return name;
  // Names of one strategy with other options differ at their ends.
  const half = Math.floor((longest - 1) / 2);
  return `${name.slice(0, half)}…${name.slice(-half)}`;
}

/** Says which strategies are not in the plot: nobody should look for them. */
function missing(rows: readonly Row[], points: readonly Point[], cost: Cost): string {
  const names = rows.filter((row) => !points.some((point) => point.row === row)).map(({ summary }) => summary.name);
  if (names.length === 0) return '';
  return element('p', { class: 'note' }, escape(`Not measured, and so not shown by ${cost.name.toLowerCase()}: ${names.join(', ')}.`));
}
