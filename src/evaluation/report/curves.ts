import { type Axis, countAxis, drawAxes, type Frame, scoreAxis } from '../../report/axes.js';
import { coordinate, element, escape, picture, section } from '../../report/html.js';
import type { EpisodeRecord } from '../record.js';
import { swatch } from './marks.js';
import type { ReportModel, Row } from './model.js';

const WIDTH = 480;
const HEIGHT = 330;
/** More lines than this are a tangle; the others wait for a click. */
const SHOWN_AT_FIRST = 10;
const FRAME: Frame = { left: 44, top: 30, width: WIDTH - 58, height: HEIGHT - 80 };

/** How strategies get to their score over time, and how it is spread over episodes. */
export function curvesSection({ record, rows, crowd }: ReportModel): string {
  const shown = shownAtFirst(rows, crowd);
  const most = Math.max(...rows.map(({ summary }) => summary.episodes));
  const time = countAxis('ticks', record.maxTicks, FRAME);
  const rank = countAxis('episodes, the best first', most, FRAME);
  const plots = [
    plot('Largest reward so far, mean over episodes', time, rows, shown, (row) => runningMaximum(row.strategy.episodes, record.maxTicks)),
    plot('Score of each episode, sorted', rank, rows, shown, (row) => sortedScores(row.strategy.episodes)),
  ];
  const legend = rows.map((row) =>
    element('button', { type: 'button', 'data-toggle': row.index, 'aria-pressed': String(shown.has(row)) }, [
      swatch(row),
      escape(row.summary.name),
    ]),
  );
  const introduction =
    'Left: how soon the score is reached; an episode that ended keeps what it had. Right: whether a mean comes ' +
    'from many fair episodes or from perfect and failed ones. Click a name to show or hide it.';
  return section('curves', 'Over time and over episodes', introduction, [
    element('div', { class: 'legend' }, legend),
    element('div', { class: 'pair' }, plots),
  ]);
}

function shownAtFirst(rows: readonly Row[], crowd: ReadonlySet<string>): Set<Row> {
  return new Set(rows.filter(({ summary }) => !crowd.has(summary.name)).slice(0, SHOWN_AT_FIRST));
}

function plot(title: string, x: Axis, rows: readonly Row[], shown: ReadonlySet<Row>, values: (row: Row) => readonly number[]): string {
  const y = scoreAxis('', FRAME);
  const lines = rows.map((row) =>
    element(
      'path',
      {
        d: stepped(values(row), x, y),
        class: shown.has(row) ? 'curve' : 'curve hidden',
        'data-series': row.index,
        stroke: row.look.colour,
        'stroke-dasharray': row.look.dash,
      },
      element('title', {}, escape(row.summary.name)),
    ),
  );
  return element('figure', {}, [
    element('figcaption', {}, escape(title)),
    picture(WIDTH, HEIGHT, title, [...drawAxes(FRAME, x, y), ...lines]),
  ]);
}

/** Value i holds from i to i + 1; only its changes are written. */
function stepped(values: readonly number[], x: Axis, y: Axis): string {
  const parts = values.flatMap((value, index) => {
    const [at, before] = [coordinate(y.place(value)), index === 0 ? undefined : coordinate(y.place(values[index - 1] as number))];
    if (before === undefined) return [`M${coordinate(x.place(0))} ${at}`];
    return at === before ? [] : [`H${coordinate(x.place(index))}V${at}`];
  });
  return `${parts.join('')}H${coordinate(x.place(values.length))}`;
}

/** Entry t: mean over episodes of the largest reward of the first t + 1 ticks, [maxTicks]. */
export function runningMaximum(episodes: readonly EpisodeRecord[], maxTicks: number): number[] {
  const sums = new Array<number>(maxTicks).fill(0);
  for (const { rewards } of episodes) {
    let best = 0;
    for (let tick = 0; tick < maxTicks; tick++) {
      best = Math.max(best, rewards[tick] ?? 0);
      sums[tick] = (sums[tick] as number) + best;
    }
  }
  return sums.map((sum) => sum / episodes.length);
}

export function sortedScores(episodes: readonly EpisodeRecord[]): number[] {
  return episodes.map(({ score }) => score).sort((a, b) => b - a);
}
