/** Rows of a parquet column as numbers. A row that has none is reported, and reading goes on behind it. */

type Report = (row: number, found: string) => void;

/** [rows][size] of scalars, lists, or lists of lists. Booleans are 0 and 1; NaN stays for the caller to find. */
export function rowsToFloats(rows: readonly unknown[], size: number, report: Report): Float32Array {
  const values = new Float32Array(rows.length * size);
  for (let row = 0; row < rows.length; row++) {
    const end = fill(values, row * size, (row + 1) * size, rows[row]);
    if (typeof end === 'string') report(row, end);
    else if (end !== (row + 1) * size) report(row, `${end - row * size} values`);
  }
  return values;
}

/** Writes a value, or those of a list, from `at`; returns where it ended, or what was found in place of numbers. */
function fill(values: Float32Array, at: number, end: number, value: unknown): number | string {
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') {
    if (at >= end) return 'more values';
    values[at] = Number(value);
    return at + 1;
  }
  if (Array.isArray(value) || ArrayBuffer.isView(value)) {
    let next: number | string = at;
    for (const item of value as ArrayLike<unknown> & Iterable<unknown>) {
      next = fill(values, next, end, item);
      if (typeof next === 'string') return next;
    }
    return next;
  }
  return value === null || value === undefined ? 'nothing' : `a ${typeof value}`;
}

/** One number per row, NaN where there is none; bigints must be safe integers. */
export function rowsToNumbers(rows: readonly unknown[], report: Report): Float64Array {
  return Float64Array.from(rows, (given, row) => {
    // Some writers make a list of one.
    const value: unknown = Array.isArray(given) && given.length === 1 ? given[0] : given;
    if (typeof value === 'bigint' && Number.isSafeInteger(Number(value))) return Number(value);
    if (typeof value === 'number') return value;
    report(row, value === null || value === undefined ? 'nothing' : String(value).slice(0, 60));
    return NaN;
  });
}
