import type { SceneBoard } from '../../../envs/scene.js';
import { embeddedJson } from '../../../report/html.js';
import { replayHash } from '../format.js';
import type { PageDocument, PageElement } from './dom.js';
import { createBoard, createTimeline, readLink, startViewer } from './replays.js';

/**
 * The script of the page: the text of functions, which are called with what they need of the page and of each other, so that
 * none of them depends on how this file was compiled. It adds interaction; what there is to read is there without it.
 * `show` shows a moment on a board, with the board's `data`.
 */
export function clientScript(show: SceneBoard['show'], data?: unknown): string {
  return `(() => {
'use strict';
(${sortTables})(document);
(${toggleCurves})(document);
(${startViewer})(globalThis, {
show: ${show},
data: ${embeddedJson(data ?? null)},
createBoard: ${createBoard},
createTimeline: ${createTimeline},
readLink: ${readLink},
writeLink: ${replayHash},
});
})();
`;
}

/** A click on a column's title sorts the table by it, a second click turns the order around. */
export function sortTables(document: PageDocument): void {
  const opposite: Readonly<Record<string, string>> = { ascending: 'descending', descending: 'ascending' };

  function sort(table: PageElement, titles: readonly PageElement[], column: number): void {
    const title = titles[column] as PageElement;
    const current = title.getAttribute('aria-sort');
    // Names start in the order of the record, numbers with the largest.
    const order = (current === null ? undefined : opposite[current]) ?? (column === 0 ? 'ascending' : 'descending');
    const sign = order === 'ascending' ? 1 : -1;
    const valueOf = (row: PageElement): string => row.cells[column]?.dataset['value'] ?? '';
    const compare = (a: PageElement, b: PageElement): number => {
      const [x, y] = [valueOf(a), valueOf(b)];
      // What was not measured comes last, whatever the order.
      if (x === '' || y === '') return (x === '' ? 1 : 0) - (y === '' ? 1 : 0);
      return sign * (Number(x) - Number(y));
    };
    const body = table.tBodies[0] as PageElement;
    body.append(...[...body.rows].sort(compare));
    for (const other of titles) other.removeAttribute('aria-sort');
    title.setAttribute('aria-sort', order);
  }

  for (const table of document.querySelectorAll('table[data-sortable]')) {
    const titles = [...table.querySelectorAll('thead th')];
    titles.forEach((title, column) => title.querySelector('button')?.addEventListener('click', () => sort(table, titles, column)));
  }
}

/** The names over the curves show and hide them, and bring out the one under the pointer. */
export function toggleCurves(document: PageDocument): void {
  for (const button of document.querySelectorAll('[data-toggle]')) {
    const curves = [...document.querySelectorAll(`[data-series="${button.dataset['toggle']}"]`)];
    button.addEventListener('click', () => {
      const shown = button.getAttribute('aria-pressed') !== 'true';
      button.setAttribute('aria-pressed', String(shown));
      for (const curve of curves) curve.classList.toggle('hidden', !shown);
    });
    button.addEventListener('pointerenter', () => curves.forEach((curve) => curve.classList.add('strong')));
    button.addEventListener('pointerleave', () => curves.forEach((curve) => curve.classList.remove('strong')));
  }
}
