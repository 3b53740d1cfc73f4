import type { Scene } from '../../envs/scene.js';
import { element, escape } from '../../report/html.js';
import type { LeftOutStrategy } from '../record.js';
import { FEW_EPISODES, fewestEpisodes } from './few-episodes.js';
import { plural } from './format.js';
import type { ReportModel } from './model.js';

/** What was evaluated, on what, and how to read the rest. `opening`: what stands between the title and that. */
export function headSection({ record, rows, scene }: ReportModel, opening: string): string {
  const { policy, adapter } = record;
  const failures = rows.reduce((sum, { summary }) => sum + summary.failures, 0);
  const fewest = fewestEpisodes(rows);
  const share = record.shard ? `${Math.max(...rows.map(({ strategy }) => strategy.episodes.length))} of ` : '';
  const facts: readonly (readonly [string, string])[] = [
    ['Policy', `${policy.name} (${plural(policy.parameters, 'parameter')}, ${record.precision})`],
    ['Predictor', policy.predictor ?? 'none'],
    ['Adapter', adapter.description],
    ['Task', record.simulator === undefined ? record.task : `${record.task}, in ${record.simulator}`],
    ['Seeds', seeds(record.seed, record.episodes)],
    ...(record.shard ? [['Part', `${record.shard.index} of ${record.shard.count}`] as const] : []),
    ['Episode', `at most ${plural(record.maxTicks, 'tick')}`],
    ['Failed episodes', failures === 0 ? 'none' : String(failures)],
    ['Evaluated', `${record.date.slice(0, 10)}, warmstep ${record.softwareVersion}`],
  ];
  const title = element('header', {}, [
    element('p', { class: 'overline' }, 'warmstep evaluation'),
    element(
      'h1',
      {},
      escape(`${scene.title}: ${plural(rows.length, 'strategy', 'strategies')} over ${share}${plural(record.episodes, 'episode')}`),
    ),
  ]);
  const about = element('section', { id: 'about', class: opening === '' ? 'close' : undefined }, [
    element(
      'dl',
      { class: 'facts' },
      facts.map(([name, value]) => element('div', {}, [element('dt', {}, name), element('dd', {}, escape(value))])),
    ),
    adapter.isSoftware ? element('p', { class: 'warning' }, SOFTWARE) : '',
    element('p', { class: 'introduction' }, howToRead(scene)),
    fewest < FEW_EPISODES ? element('p', { class: 'warning' }, tooFew(fewest)) : '',
    leftOut(record.leftOut),
    '\n',
  ]);
  return `${title}${opening}${about}`;
}

/** What a reader would look for in vain, and why it is not there. */
function leftOut(strategies: readonly LeftOutStrategy[] = []): string {
  if (strategies.length === 0) return '';
  const items = strategies.map(({ name, why }) => element('li', {}, [element('b', {}, escape(name)), escape(`: ${why}`)]));
  return element('div', { class: 'note' }, ['Not evaluated:', element('ul', {}, items)]);
}

function tooFew(episodes: number): string {
  return (
    `<strong>${plural(episodes, 'episode')}.</strong> Too few to know how much episodes differ: ` +
    'the intervals are narrower than the uncertainty is.'
  );
}

function seeds(first: number, count: number): string {
  return count === 1 ? String(first) : `${first} … ${first + count - 1}`;
}

const SOFTWARE =
  '<strong>Software adapter.</strong> A processor played the GPU: the scores hold, the times say nothing about a ' +
  'GPU. Compare latencies within this report at most.';

function howToRead({ scoring }: Scene): string {
  return (
    `<strong>How to read this.</strong> The score of an episode is the largest reward it reached: ${scoring} ` +
    'Every strategy ran on the same seeds. Ranges are 95&nbsp;% intervals: a bootstrap over episodes for scores and ' +
    'differences, Wilson’s interval for shares. Overlapping intervals of two scores say little; look at their difference seed by ' +
    'seed. A decision is one run of the policy, an evaluation one run of its U-Net.'
  );
}
