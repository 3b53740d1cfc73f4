import { element, escape, section } from '../../../report/html.js';
import { decimal, NOTHING, percent, range, shade } from '../format.js';
import type { ReportModel } from '../model.js';
import { type StallCell, stallCells } from './stall-cells.js';
import {
  PAPER_CHOICE,
  PAPER_SIGMA_SCALE,
  PAPER_SIGMA_STALL,
  PAPER_STALL_EPISODES,
  PAPER_STALL_TASKS,
  PAPER_STEPS,
  PAPER_TABLE_8_SCALE,
  PAPER_TABLE_9_STEPS,
  PAPER_TIME_SAVED,
} from './stall-tables.js';

/** A table beside the paper's: what its columns are, and which cells stand in it. */
interface PaperTable {
  readonly title: string;
  readonly axis: string;
  readonly values: readonly number[];
  isIn(cell: StallCell): boolean;
  column(cell: StallCell): number;
}

const TABLES: readonly PaperTable[] = [
  {
    title: `Table 8: by σ_stall and steps, σ_scale = ${PAPER_TABLE_8_SCALE}`,
    axis: 'steps',
    values: PAPER_STEPS,
    isIn: ({ sigmaScale }) => sigmaScale === PAPER_TABLE_8_SCALE,
    column: ({ steps }) => steps,
  },
  {
    title: `Table 9: by σ_stall and σ_scale, ${PAPER_TABLE_9_STEPS} steps`,
    axis: 'σ_scale',
    values: PAPER_SIGMA_SCALE,
    isIn: ({ steps }) => steps === PAPER_TABLE_9_STEPS,
    column: ({ sigmaScale }) => sigmaScale,
  },
];

/** Success rates by the perturbation's mixture beside those of STEP's paper, where the task and at least two strategies are those of its tables. */
export function stallSection({ record, rows, scene }: ReportModel): string {
  const task = PAPER_STALL_TASKS.get(record.task.split('/')[0] as string);
  const cells = task ? stallCells(rows, task) : [];
  if (!task || cells.length < 2) return '';
  const tables = TABLES.flatMap((table) => {
    const own = cells.filter((cell) => table.isIn(cell));
    // A table of one column by scale is the other table again.
    const isTold = table.values === PAPER_STEPS ? own.length > 1 : new Set(own.map((cell) => table.column(cell))).size > 1;
    return isTold ? [paperTable(table, own, scene.tickRate)] : [];
  });
  const introduction =
    `Success rates beside those that <b>STEP’s paper</b> (arXiv 2602.08245, appendix B) measured on a real arm for ${task.name}, ` +
    `${PAPER_STALL_EPISODES} episodes each: “ours / paper”, and seconds of an episode. ≠: the paper’s rate is outside the 95&nbsp;% interval of ours. ` +
    'Another arm, other demonstrations and another policy: what can be compared is the shape.';
  return section('paper', 'Beside the paper', introduction, [
    element('div', { class: 'grids' }, tables),
    ...[offNote(cells), stepsNote(cells), timeNote(cells, scene.tickRate)].filter((note) => note !== ''),
  ]);
}

function paperTable({ title, axis, values, column }: PaperTable, cells: readonly StallCell[], tickRate: number): string {
  const columns = values.filter((value) => cells.some((cell) => column(cell) === value));
  const lines = PAPER_SIGMA_STALL.filter((sigma) => cells.some(({ sigmaStall }) => sigmaStall === sigma));
  return element('figure', {}, [
    element('figcaption', {}, escape(title)),
    element('div', { class: 'scroll' }, [
      element('table', { class: 'grid' }, [
        element('thead', {}, [
          element('tr', {}, [
            element('th', { class: 'option' }, 'σ_stall'),
            ...columns.map((value) => element('th', { scope: 'col' }, escape(`${axis} ${value}`))),
          ]),
        ]),
        element(
          'tbody',
          {},
          lines.map((sigma) =>
            element('tr', {}, [
              element('th', { scope: 'row' }, String(sigma)),
              ...columns.map((value) =>
                tableCell(
                  cells.find((cell) => cell.sigmaStall === sigma && column(cell) === value),
                  tickRate,
                ),
              ),
            ]),
          ),
        ),
      ]),
    ]),
  ]);
}

function tableCell(cell: StallCell | undefined, tickRate: number): string {
  if (!cell) return element('td', {}, NOTHING);
  const { mean, interval } = cell.row.summary.successRate;
  const text = `${decimal(mean, 2)} / ${decimal(cell.paper, 2)}${cell.isOff ? ' ≠' : ''}`;
  const bounds = range(interval, (share) => share.toFixed(2));
  return element('td', { class: 'shade', style: shade(mean), title: `${cell.row.summary.name}: ${bounds}` }, [
    element('b', {}, text),
    element('small', {}, `${(cell.ticks / tickRate).toFixed(1)}&nbsp;s`),
  ]);
}

function note(text: string): string {
  return element('p', { class: 'note' }, escape(text));
}

/** Where the two are further apart than chance explains, and which way. */
function offNote(cells: readonly StallCell[]): string {
  const off = cells.filter(({ isOff }) => isOff);
  const more = off.filter(({ row, paper }) => row.summary.successRate.mean > paper).length;
  const told = off.length === 0 ? '' : ` (higher here in ${more} of them, lower in ${off.length - more})`;
  return note(`In ${off.length} of ${cells.length} cells the paper’s rate is outside our interval${told}.`);
}

/** In the paper more steps are better everywhere; whether they are here. */
function stepsNote(all: readonly StallCell[]): string {
  const best = PAPER_STEPS.flatMap((steps) => {
    const cells = all.filter((cell) => cell.steps === steps && cell.sigmaScale === PAPER_TABLE_8_SCALE);
    if (cells.length < 2) return [];
    return [cells.reduce((one, other) => (other.row.summary.successRate.mean > one.row.summary.successRate.mean ? other : one))];
  });
  if (best.length < 2) return '';
  const told = best.map(
    ({ steps, sigmaStall, row }) => `${decimal(row.summary.successRate.mean, 2)} with ${steps} steps (σ_stall ${sigmaStall})`,
  );
  const rates = best.map(({ row }) => row.summary.successRate.mean);
  const isOrdered = rates.every((rate, i) => i === 0 || rate <= (rates[i - 1] as number));
  return note(
    `The best of each number of steps: ${told.join(', ')}. In the paper more steps are at least as good everywhere; ` +
      `here they are${isOrdered ? ', too' : ' not'}.`,
  );
}

/** Figure 7: the time of an episode without the perturbation and with it, at what the paper chose. */
function timeNote(cells: readonly StallCell[], tickRate: number): string {
  const found = PAPER_STEPS.flatMap((steps) => {
    const at = (sigma: number): StallCell | undefined =>
      cells.find((cell) => cell.steps === steps && cell.sigmaStall === sigma && cell.sigmaScale === PAPER_TABLE_8_SCALE);
    const [without, withIt] = [at(0), at(PAPER_CHOICE)];
    if (!without || !withIt) return [];
    const seconds = (cell: StallCell): string => (cell.ticks / tickRate).toFixed(1);
    const change = withIt.ticks / without.ticks - 1;
    return [`${steps} steps from ${seconds(without)} to ${seconds(withIt)} s (${change > 0 ? '+' : '−'}${percent(Math.abs(change))})`];
  });
  if (found.length === 0) return '';
  return note(
    `Mean time of an episode without the perturbation and with σ_stall ${PAPER_CHOICE}: ${found.join(', ')}; the paper’s Figure 7: −${percent(PAPER_TIME_SAVED)}. ` +
      'An episode that stands still lasts until it is cut, so the change depends on the limit of ticks.',
  );
}
