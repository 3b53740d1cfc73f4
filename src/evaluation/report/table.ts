import { element, escape, section } from '../../report/html.js';
import { decimal, evaluations, milliseconds, NOTHING, percent, range, trained } from './format.js';
import { nameCell } from './marks.js';
import type { ReportModel, Row } from './model.js';

/** What a cell shows, and the number that its column is sorted by; no number sorts last. */
export interface Cell {
  readonly text: string;
  /** In small letters underneath; may have several lines. */
  readonly note?: string;
  readonly value: number | undefined;
}

export interface Column {
  readonly title: string;
  /** What the pointer says. */
  readonly help: string;
  /** Left out where no strategy has anything to say. */
  readonly isOptional?: boolean;
  cell(row: Row): Cell;
}

const COLUMNS: readonly Column[] = [
  {
    title: 'Score',
    help: 'mean over episodes of the largest reward, with its 95 % interval',
    cell: ({ summary: { score } }) => ({ text: decimal(score.mean), note: range(score.interval), value: score.mean }),
  },
  {
    title: 'Success',
    help: 'share of episodes that were a success, with its 95 % interval',
    cell: ({ summary: { successRate, successes, episodes } }) => ({
      text: percent(successRate.mean),
      note: `${range(successRate.interval, (share) => (100 * share).toFixed(0))} %\n${successes} of ${episodes}`,
      value: successRate.mean,
    }),
  },
  {
    title: 'Evaluations',
    help: 'U-Net evaluations per decision, cold decisions included',
    cell: ({ summary }) => ({ text: evaluations(summary.evaluationsPerDecision), value: summary.evaluationsPerDecision }),
  },
  {
    title: 'Per tick',
    help: 'U-Net evaluations per control step',
    cell: ({ summary: { evaluationsPerTick: value } }) => ({ text: decimal(value, 2), value }),
  },
  {
    title: 'Weights read',
    help: 'megabytes of weights and tables that the dispatches of a usual decision read, alone and without image encoders',
    isOptional: true,
    cell: ({ summary: { cost } }) => ({ text: cost ? `${decimal(cost.weightBytes / 1e6, 1)} MB` : NOTHING, value: cost?.weightBytes }),
  },
  {
    title: 'Dispatches',
    help: 'of a usual decision, alone and without image encoders',
    isOptional: true,
    cell: ({ summary: { cost } }) => ({ text: cost ? String(cost.dispatches) : NOTHING, value: cost?.dispatches }),
  },
  {
    title: 'Trained',
    help: 'parameters that are trained beside the policy: the predictor’s, or those of the method’s networks',
    isOptional: true,
    cell: ({ summary: { cost } }) => ({
      text: cost ? trained(cost.trainedParameters) : NOTHING,
      value: cost?.trainedParameters,
    }),
  },
  {
    title: 'Screening',
    help: 'share of the evaluations that only compared candidates',
    isOptional: true,
    cell: ({ summary: { screeningShare: share } }) => ({ text: share === 0 ? NOTHING : percent(share), value: share || undefined }),
  },
  {
    title: 'p50 ms',
    help: 'median latency of a decision, batch 1',
    isOptional: true,
    cell: ({ summary: { latency } }) => ({
      text: milliseconds(latency?.p50),
      ...(latency ? { note: `n = ${latency.count}` } : {}),
      value: latency?.p50,
    }),
  },
  {
    title: 'p95 ms',
    help: '95 of 100 decisions were faster',
    isOptional: true,
    cell: ({ summary: { latency } }) => ({ text: milliseconds(latency?.p95), value: latency?.p95 }),
  },
  {
    title: 'p99 ms',
    help: '99 of 100 decisions were faster',
    isOptional: true,
    cell: ({ summary: { latency } }) => ({ text: milliseconds(latency?.p99), value: latency?.p99 }),
  },
  {
    title: 'Cold ms',
    help: 'latency of the first decision of an episode, where it is sampled differently',
    isOptional: true,
    cell: ({ summary: { coldLatency } }) => ({
      text: milliseconds(coldLatency?.p50),
      ...(coldLatency ? { note: `p99 ${milliseconds(coldLatency.p99)}\nn = ${coldLatency.count}` } : {}),
      value: coldLatency?.p50,
    }),
  },
  {
    title: 'Jump',
    help: 'mean distance from the last action of a chunk to the first of the next, normalised action space',
    cell: ({ summary: { jump } }) => ({ text: decimal(jump), value: jump }),
  },
  {
    title: 'Stalls',
    help: 'decisions per episode that the stall rule fired on',
    isOptional: true,
    cell: ({ summary: { stallsPerEpisode: stalls } }) => ({
      text: stalls === 0 ? NOTHING : decimal(stalls, 1),
      value: stalls || undefined,
    }),
  },
  {
    title: 'Failed',
    help: 'episodes that ended in an error; they count with the score they had reached',
    isOptional: true,
    cell: ({ summary: { failures } }) => ({ text: failures === 0 ? NOTHING : String(failures), value: failures || undefined }),
  },
];

/** All numbers, one row per strategy. */
export function tableSection({ rows }: ReportModel): string {
  const columns = COLUMNS.filter((column) => !column.isOptional || rows.some((row) => column.cell(row).value !== undefined));
  return section('numbers', 'All numbers', 'Click a column’s title to sort by it.', [sortableTable(rows, columns)]);
}

function sortableTable(rows: readonly Row[], columns: readonly Column[]): string {
  const titles = [{ title: 'Strategy', help: 'as it was asked for' }, ...columns];
  return element(
    'div',
    { class: 'scroll' },
    element('table', { class: 'numbers', 'data-sortable': '' }, [
      element(
        'thead',
        {},
        element(
          'tr',
          {},
          titles.map(({ title, help }) =>
            element('th', { scope: 'col', title: help }, element('button', { type: 'button' }, escape(title))),
          ),
        ),
      ),
      element(
        'tbody',
        {},
        rows.map((row) => element('tr', {}, [nameCell(row), ...columns.map((column) => numberCell(column.cell(row)))])),
      ),
    ]),
  );
}

function numberCell({ text, note, value }: Cell): string {
  return element('td', { 'data-value': value === undefined ? '' : String(value) }, [
    escape(text),
    note === undefined ? '' : element('small', {}, escape(note)),
  ]);
}
