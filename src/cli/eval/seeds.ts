import { integerOption, UsageError } from '../../terminal/options.js';

/** Where published evaluations begin. */
const FIRST_SEED = 100_000;
/** Push-T is reset by a generator that takes 32 bits. */
const LARGEST_SEED = 2 ** 32 - 1;

/** The first of so many seeds. */
export function firstSeedOption(text: string | undefined, episodes: number): number {
  const seed = integerOption('seed', text) ?? FIRST_SEED;
  const most = LARGEST_SEED - (episodes - 1);
  if (seed > most) throw new UsageError(`--seed must be at most ${most} for ${episodes} episodes, found ${seed}`);
  return seed;
}
