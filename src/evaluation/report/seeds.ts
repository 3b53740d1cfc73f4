import { element, escape, section } from '../../report/html.js';
import type { EpisodeRecord } from '../record.js';
import { decimal, replayHash, shade } from './format.js';
import { swatch } from './marks.js';
import type { ReportModel, Row } from './model.js';

/** Columns under one written seed. */
const GROUP = 10;

/** Strategies × seeds: which seeds are hard for all, which for one. */
export function seedsSection({ rows }: ReportModel): string {
  const seeds = [...new Set(rows.flatMap(({ strategy }) => strategy.episodes.map(({ seed }) => seed)))].sort((a, b) => a - b);
  const groups = Array.from({ length: Math.ceil(seeds.length / GROUP) }, (_, index) => seeds.slice(index * GROUP, (index + 1) * GROUP));
  // A number needs the width of a few cells.
  const head = groups.map((group) =>
    element('th', { scope: 'col', colspan: group.length }, group.length < 4 && groups.length > 1 ? '' : String(group[0])),
  );
  const scale = [0, 0.25, 0.5, 0.75, 1].map((score) => element('span', { class: 'shade', style: shade(score) }, String(score)));
  const hasReplays = rows.some(({ strategy }) => strategy.episodes.some(({ replay }) => replay));
  const hasFailures = rows.some(({ summary }) => summary.failures > 0);
  const introduction = [
    'Each cell is one episode.',
    ...(hasReplays ? ['A dot means a replay: click it.'] : []),
    ...(hasFailures ? ['× marks an episode that ended in an error.'] : []),
  ].join(' ');
  return section('seeds', 'Seed by seed', introduction, [
    element(
      'div',
      { class: 'scroll' },
      element('table', { class: 'seeds' }, [
        element('thead', {}, element('tr', {}, [element('td'), ...head])),
        element(
          'tbody',
          {},
          rows.map((row) =>
            element('tr', {}, [
              element('th', { scope: 'row' }, [swatch(row), escape(row.summary.name)]),
              ...episodesInOrder(row, seeds).map((episode) => episodeCell(row, episode)),
            ]),
          ),
        ),
      ]),
    ),
    element('p', { class: 'scale' }, ['score ', ...scale]),
  ]);
}

function episodesInOrder({ strategy }: Row, seeds: readonly number[]): (EpisodeRecord | undefined)[] {
  const bySeed = new Map(strategy.episodes.map((episode) => [episode.seed, episode]));
  return seeds.map((seed) => bySeed.get(seed));
}

function episodeCell({ summary }: Row, episode: EpisodeRecord | undefined): string {
  if (!episode) return element('td');
  const { seed, score, success, ticks, failure, replay } = episode;
  const end =
    failure === undefined ? (success ? `success after ${ticks} steps` : `${ticks} steps`) : `ended after ${ticks} steps: ${failure}`;
  const title = `${summary.name}, seed ${seed}: ${decimal(score)}, ${end}`;
  const mark = failure !== undefined ? '×' : replay ? '·' : '';
  return element(
    'td',
    { class: 'shade', style: shade(score), title },
    replay ? element('a', { href: replayHash({ strategy: summary.name, seed, tick: 0 }), 'aria-label': `${title}: replay` }, mark) : mark,
  );
}
