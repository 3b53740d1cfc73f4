import { coordinate, element, escape, section } from '../../report/html.js';
import type { PairedDifference } from '../statistics.js';
import { NOTHING, range, signed } from './format.js';
import { marker, nameCell } from './marks.js';
import type { ReportModel, Row } from './model.js';

const WIDTH = 260;
const HEIGHT = 26;

/** Every strategy against the first one, seed by seed. */
export function differencesSection({ rows }: ReportModel): string {
  const [baseline, ...others] = rows;
  if (!baseline || others.length === 0) return '';
  const limits = others.flatMap(({ summary }) =>
    summary.difference ? [summary.difference.interval.low, summary.difference.interval.high] : [],
  );
  const reach = Math.max(0.05, ...limits.map(Math.abs));
  const ends = [`−${reach.toFixed(2)}`, '0', `+${reach.toFixed(2)}`].map((end) => element('span', {}, end));
  const titles = ['Strategy', 'Difference', element('span', { class: 'ends' }, ends), 'Better', 'Equal', 'Worse'];
  const introduction =
    `Score minus the score of ${element('b', {}, escape(baseline.summary.name))} on the same seed, mean and 95&nbsp;% interval; ` +
    'and on how many seeds it was better, equal, or worse. Where the interval holds 0, neither is shown to be better.';
  return section('differences', 'Paired differences', introduction, [
    element(
      'div',
      { class: 'scroll' },
      element('table', { class: 'numbers' }, [
        element(
          'thead',
          {},
          element(
            'tr',
            {},
            titles.map((title) => element('th', { scope: 'col' }, title)),
          ),
        ),
        element(
          'tbody',
          {},
          others.map((row) => element('tr', {}, [nameCell(row), ...cells(row, row.summary.difference, reach)])),
        ),
      ]),
    ),
  ]);
}

function cells(row: Row, difference: PairedDifference | undefined, reach: number): string[] {
  if (!difference) return [element('td', { colspan: 5 }, `${NOTHING} <small>no seeds in common</small>`)];
  const { mean, interval, wins, ties, losses } = difference;
  return [
    element('td', {}, [signed(mean), element('small', {}, range(interval, signed))]),
    element('td', { class: 'interval' }, bar(row, difference, reach)),
    ...[wins, ties, losses].map((count) => element('td', {}, String(count))),
  ];
}

function bar({ look }: Row, { mean, interval }: PairedDifference, reach: number): string {
  const x = (value: number): number => WIDTH / 2 + (value / reach) * (WIDTH / 2 - 8);
  const middle = HEIGHT / 2;
  return element('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, 'aria-hidden': 'true' }, [
    element('line', { x1: x(0), x2: x(0), y1: 0, y2: HEIGHT, class: 'axis' }),
    element('path', {
      d: `M${coordinate(x(interval.low))} ${middle}H${coordinate(x(interval.high))}`,
      class: 'whisker',
      stroke: look.colour,
    }),
    marker(x(mean), middle, look),
  ]);
}
