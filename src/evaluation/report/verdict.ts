import { element, escape } from '../../report/html.js';
import type { PairedDifference } from '../statistics.js';
import type { Cost } from './costs.js';
import { FEW_EPISODES, fewestEpisodes } from './few-episodes.js';
import { decimal, plural, range, signed } from './format.js';
import type { ReportModel, Row } from './model.js';

/** So much more still counts as equal: medians of latencies differ by as much from one run to the next. */
export const EQUAL_COST = 1.1;

/** Names that a sentence can hold. */
const NAMED = 5;

/** A strategy beside the one that the question is about. */
export interface Rival {
  readonly row: Row;
  /** Score of the one minus score of the rival, on the same seeds; undefined without seeds in common. */
  readonly lead: PairedDifference | undefined;
}

/** How a strategy stands against those that cost at most as much. */
export interface Verdict {
  readonly answer: 'yes' | 'no' | 'open' | 'alone' | 'few';
  /** It is better than these. */
  readonly beaten: readonly Rival[];
  /** These are better. */
  readonly better: readonly Rival[];
  /** Neither is shown to be better. */
  readonly equal: readonly Rival[];
  /** Those that cost more and are better. */
  readonly dearer: readonly Rival[];
}

/** Whether the strategy in question beats all others of equal or lower cost; undefined where its own cost was not measured. */
export function verdictOf({ rows, focus, leads }: ReportModel, cost: Cost): Verdict | undefined {
  const limit = focus && cost.of(focus);
  if (!focus || limit === undefined) return undefined;
  const rivals = rows.flatMap((row): (Rival & { readonly isDearer: boolean })[] => {
    const found = cost.of(row);
    if (row === focus || found === undefined) return [];
    return [{ row, lead: leads[row.index], isDearer: found > EQUAL_COST * limit }];
  });
  const within = rivals.filter(({ isDearer }) => !isDearer);
  const isBetter = ({ lead }: Rival): boolean => lead !== undefined && lead.interval.high < 0;
  const isBeaten = ({ lead }: Rival): boolean => lead !== undefined && lead.interval.low > 0;
  const [better, beaten] = [within.filter(isBetter), within.filter(isBeaten)];
  const equal = within.filter((rival) => !isBetter(rival) && !isBeaten(rival));
  // A strategy that has no seed in common is not told apart, however many episodes it has.
  const isFew =
    fewestEpisodes([focus, ...within.map(({ row }) => row)]) < FEW_EPISODES ||
    within.some(({ lead }) => lead !== undefined && lead.wins + lead.ties + lead.losses < FEW_EPISODES);
  const answer = within.length === 0 ? 'alone' : isFew ? 'few' : better.length > 0 ? 'no' : equal.length > 0 ? 'open' : 'yes';
  return { answer, beaten, better, equal, dearer: rivals.filter((rival) => rival.isDearer && isBetter(rival)) };
}

const ANSWERS: Readonly<Record<Verdict['answer'], string>> = {
  yes: 'Yes.',
  no: 'No.',
  open: 'Not shown.',
  alone: 'Nothing to compare with.',
  few: 'Too few episodes to say.',
};

/** On a small network a processor's time says little of a GPU's, where evaluations wait for their weights. */
const OF_SOFTWARE = 'Times of a processor that played the GPU: on a GPU the order may be another. Evaluations, beside this, are counted.';

/** The verdict in words. */
export function verdictText(model: ReportModel, cost: Cost, verdict: Verdict): string {
  const { beaten, better, equal, dearer } = verdict;
  const name = model.focus?.summary.name ?? '';
  const within = beaten.length + better.length + equal.length;
  const others = within === 0 ? 'no other strategy costs' : plural(within, 'other strategy costs', 'other strategies cost');
  const limit = `${cost.show(cost.of(model.focus as Row))}${cost.unit}`;
  const sentence = `By ${cost.name.toLowerCase()} ${others} at most as much as ${name} (${limit}; a tenth more counts as equal).`;
  const groups: readonly (readonly [string, readonly Rival[], (lead: PairedDifference) => string])[] = [
    [`Higher than ${name}`, better, lower],
    [`Not told apart from ${name}`, equal, either],
    [`Lower than ${name}`, beaten, higher],
    [`Dearer, and higher than ${name}`, dearer, lower],
  ];
  const items = groups.flatMap(([title, rivals, show]) =>
    rivals.length === 0 ? [] : [element('li', {}, [element('b', {}, escape(title)), escape(`: ${namesOf(rivals, show)}`)])],
  );
  return element('div', { class: 'verdict' }, [
    element('p', {}, [element('strong', {}, ANSWERS[verdict.answer]), ' ', escape(sentence)]),
    items.length === 0 ? '' : element('ul', {}, items),
    cost.isTime && model.record.adapter.isSoftware ? element('p', {}, OF_SOFTWARE) : '',
  ]);
}

const higher = ({ mean, interval }: PairedDifference): string => `by ${decimal(mean)}, ${range(interval)}`;
const lower = ({ mean, interval }: PairedDifference): string =>
  `by ${decimal(-mean)}, ${range({ low: -interval.high, high: -interval.low })}`;
const either = ({ mean, interval }: PairedDifference): string => `${signed(mean)}, ${range(interval, signed)}`;

function namesOf(rivals: readonly Rival[], show: (lead: PairedDifference) => string): string {
  const shown = rivals.slice(0, NAMED).map(({ row, lead }) => `${row.summary.name} (${lead ? show(lead) : 'no seeds in common'})`);
  const more = rivals.length - shown.length;
  return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
