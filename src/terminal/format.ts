/** 249074826 → "249,074,826". */
export function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** Bytes in decimal units, as disks and bandwidths are given: 996299304 → "996.3 MB". */
export function bytes(value: number): string {
  if (value < 1000) return `${value} B`;
  const units = ['KB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length, Math.floor(Math.log10(value) / 3));
  return `${(value / 1000 ** power).toFixed(1)} ${units[power - 1]}`;
}

/** Milliseconds with three digits that mean something. */
export function milliseconds(value: number): string {
  return `${value.toFixed(value < 1 ? 3 : value < 10 ? 2 : value < 100 ? 1 : 0)} ms`;
}

/** "1 decision", "24 decisions". */
export function plural(number: number, noun: string): string {
  return `${count(number)} ${noun}${number === 1 ? '' : 's'}`;
}
