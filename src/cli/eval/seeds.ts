import { integerOption, UsageError } from '../../terminal/options.js';

/** Where published evaluations begin. */
const FIRST_SEED = 100_000;

/** The first of so many seeds, of which the last is at most `largest`. */
export function firstSeedOption(text: string | undefined, episodes: number, largest: number): number {
  const seed = integerOption('seed', text) ?? FIRST_SEED;
  const most = largest - (episodes - 1);
  if (seed > most) throw new UsageError(`--seed must be at most ${most} for ${episodes} episodes, found ${seed}`);
  return seed;
}
