/** Rows of a parquet column as numbers. What a row is that has none says the caller: `fail` throws. */

type Fail = (row: number, found: string) => never;

/** [rows][size] of scalars, lists, or lists of lists. Booleans are 0 and 1; NaN stays for the caller to find. */
export function rowsToFloats(rows: readonly unknown[], size: number, fail: Fail): Float32Array {
  const values = new Float32Array(rows.length * size);
  for (let row = 0; row < rows.length; row++) {
    const end = fill(values, row * size, (row + 1) * size, rows[row], (found) => fail(row, found));
    if (end !== (row + 1) * size) fail(row, `${end - row * size} values`);
  }
  return values;
}

/** Writes a value, or those of a list, from `at`; returns where it ended. */
function fill(values: Float32Array, at: number, end: number, value: unknown, fail: (found: string) => never): number {
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') {
    if (at >= end) fail('more values');
    values[at] = Number(value);
    return at + 1;
  }
  if (Array.isArray(value) || ArrayBuffer.isView(value)) {
    let next = at;
    for (const item of value as ArrayLike<unknown> & Iterable<unknown>) next = fill(values, next, end, item, fail);
    return next;
  }
  return fail(value === null || value === undefined ? 'nothing' : `a ${typeof value}`);
}

/** One number per row; bigints must be safe integers. */
export function rowsToNumbers(rows: readonly unknown[], fail: Fail): Float64Array {
  return Float64Array.from(rows, (given, row) => {
    // Some writers make a list of one.
    const value: unknown = Array.isArray(given) && given.length === 1 ? given[0] : given;
    if (typeof value === 'bigint' && Number.isSafeInteger(Number(value))) return Number(value);
    return typeof value === 'number' ? value : fail(row, value === null || value === undefined ? 'nothing' : String(value).slice(0, 60));
  });
}
