import { element, escape, section } from '../../report/html.js';
import type { GridAxis, StrategyGrid } from '../record.js';
import { decimal, NOTHING, percent, range, shade } from './format.js';
import type { ReportModel, Row } from './model.js';

/** Tables of strategies that differ in one option, heat maps of those that differ in two. */
export function gridsSection({ record, rows }: ReportModel): string {
  if (record.grids.length === 0) return '';
  const byName = new Map(rows.map((row) => [row.summary.name, row]));
  return section(
    'grids',
    'Ablations',
    'Strategies that differ in one or two options: score with its 95&nbsp;% interval, and success rate.',
    [
      element(
        'div',
        { class: 'grids' },
        record.grids.map((grid) => gridTable(grid, byName)),
      ),
    ],
  );
}

function gridTable({ axes, cells }: StrategyGrid, byName: ReadonlyMap<string, Row>): string {
  const [rowsAxis, columnsAxis] = axes;
  if (!rowsAxis) return '';
  const columns = columnsAxis?.values.length ?? 1;
  const title = axes.map(({ option }) => option).join(' × ');
  return element('figure', {}, [
    element('figcaption', {}, escape(title)),
    element(
      'div',
      { class: 'scroll' },
      element('table', { class: 'grid' }, [
        columnsAxis ? columnHead(rowsAxis, columnsAxis) : '',
        element(
          'tbody',
          {},
          rowsAxis.values.map((value, row) =>
            element('tr', {}, [
              element('th', { scope: 'row' }, escape(columnsAxis ? value : `${rowsAxis.option} ${value}`)),
              ...Array.from({ length: columns }, (_, column) => gridCell(byName.get(cells[row * columns + column] ?? ''))),
            ]),
          ),
        ),
      ]),
    ),
  ]);
}

function columnHead(rowsAxis: GridAxis, columnsAxis: GridAxis): string {
  return element('thead', {}, [
    element('tr', {}, [element('td'), element('th', { colspan: columnsAxis.values.length, class: 'option' }, escape(columnsAxis.option))]),
    element('tr', {}, [
      element('th', { class: 'option' }, escape(rowsAxis.option)),
      ...columnsAxis.values.map((value) => element('th', { scope: 'col' }, escape(value))),
    ]),
  ]);
}

function gridCell(row: Row | undefined): string {
  if (!row) return element('td', {}, NOTHING);
  const { name, score, successRate } = row.summary;
  return element('td', { class: 'shade', style: shade(score.mean), title: name }, [
    element('b', {}, decimal(score.mean)),
    element('small', {}, `${range(score.interval)}<br>${percent(successRate.mean)} success`),
  ]);
}
