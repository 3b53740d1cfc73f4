import type { Row } from './model.js';

/** A bootstrap of fewer episodes misses too much of their spread. */
export const FEW_EPISODES = 10;

/**
 * Episodes of the strategy that has the fewest, without those that failed: what intervals rest on. A part of an evaluation has its share alone, whatever
 * its record says of the whole; 0 without strategies.
 */
export function fewestEpisodes(rows: readonly Row[]): number {
  const counts = rows.map(({ strategy, summary }) => strategy.episodes.length - summary.failures);
  return counts.length === 0 ? 0 : Math.min(...counts);
}
