const LEVELS = '▁▂▃▄▅▆▇█';
const CELLS = 48;

/** Values as a line of blocks from their lowest to their highest; more than there are cells become means of neighbours. */
export function sparkline(values: readonly number[], cells = CELLS): string {
  if (values.length === 0) return '';
  const width = Math.min(cells, values.length);
  const means = Array.from({ length: width }, (_, cell) => {
    const from = Math.floor((cell * values.length) / width);
    const part = values.slice(from, Math.max(from + 1, Math.floor(((cell + 1) * values.length) / width)));
    return part.reduce((sum, value) => sum + value, 0) / part.length;
  });
  const low = Math.min(...means);
  const range = Math.max(...means) - low;
  return means
    .map((mean) => LEVELS[range === 0 ? 0 : Math.min(LEVELS.length - 1, Math.floor(((mean - low) / range) * LEVELS.length))])
    .join('');
}
