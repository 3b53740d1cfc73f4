import { visible } from '../foundation/visible.js';

/** Columns whose cells all look like numbers (with a unit, perhaps) are aligned to the right. */
const NUMBER = /^[−-]?[\d.,]+( ?(%|ms|s|Hz|[KMG]i?B|B))?$|^–$|^$/;

/** A table for people: a header, a line, rows; columns as wide as their widest cell. */
export function table(header: readonly string[], cells: readonly (readonly string[])[]): string {
  const rows = cells.map((row) => row.map(visible));
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)));
  const right = header.map((_, column) => rows.every((row) => NUMBER.test(row[column] ?? '')));
  const line = (row: readonly string[]): string =>
    widths
      .map((width, column) => (right[column] ? (row[column] ?? '').padStart(width) : (row[column] ?? '').padEnd(width)))
      .join('  ')
      .trimEnd();
  return [line(header), widths.map((width) => '─'.repeat(width)).join('  '), ...rows.map(line)].join('\n');
}

/** Facts, one per line: name, then value. */
export function facts(entries: readonly (readonly [string, string])[]): string {
  const width = Math.max(...entries.map(([name]) => name.length));
  return entries.map(([name, value]) => `${name.padEnd(width)}  ${visible(value)}`).join('\n');
}
