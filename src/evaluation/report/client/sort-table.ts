/** Browser code: a click on a column's title sorts the table by it, a second click turns the order around. */
export const SORT_TABLE = `
for (const table of document.querySelectorAll('table[data-sortable]')) {
  const titles = [...table.querySelectorAll('thead th')];
  titles.forEach((title, column) => title.querySelector('button').addEventListener('click', () => sortTable(table, titles, column)));
}

function sortTable(table, titles, column) {
  // Names start in the order of the record, numbers with the largest.
  const first = column === 0 ? 'ascending' : 'descending';
  const opposite = { ascending: 'descending', descending: 'ascending' };
  const current = titles[column].getAttribute('aria-sort');
  const order = current === null ? first : opposite[current];
  const sign = order === 'ascending' ? 1 : -1;
  const valueOf = (row) => row.cells[column].dataset.value;
  const compare = (a, b) => {
    const [x, y] = [valueOf(a), valueOf(b)];
    // What was not measured comes last, whatever the order.
    if (x === '' || y === '') return (x === '' ? 1 : 0) - (y === '' ? 1 : 0);
    return sign * (Number(x) - Number(y));
  };
  const body = table.tBodies[0];
  body.append(...[...body.rows].sort(compare));
  for (const title of titles) title.removeAttribute('aria-sort');
  titles[column].setAttribute('aria-sort', order);
}
`;
