import { integerOption, UsageError } from '../../terminal/options.js';

/** Where published evaluations begin. */
const FIRST_SEED = 100_000;
/** The bootstrap of more would need gigabytes, after all episodes were run. */
const MOST_EPISODES = 10_000;

/** A number of episodes, or undefined where the option was not given. */
export function episodesOption(text: string | undefined): number | undefined {
  return integerOption('episodes', text, 1, MOST_EPISODES);
}

/** The first of so many seeds, of which the last is at most `largest`. */
export function firstSeedOption(text: string | undefined, episodes: number, largest: number): number {
  const seed = integerOption('seed', text) ?? FIRST_SEED;
  const most = largest - (episodes - 1);
  if (seed > most) throw new UsageError(`--seed must be at most ${most} for ${episodes} episodes, found ${seed}`);
  return seed;
}
