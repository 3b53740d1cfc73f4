import type { Shard } from '../../evaluation/shards.js';
import { integerOption, UsageError } from '../../terminal/options.js';

/** Where published evaluations begin. */
export const FIRST_SEED = 100_000;
/** Episodes in a batch, where nobody says how many. */
export const MOST_PARALLEL = 64;
/** The bootstrap of more would need gigabytes, after all episodes were run. */
export const MOST_EPISODES = 10_000;

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

/** "2/8": part 2 of 8 of so many episodes; undefined where the option was not given. */
export function shardOption(text: string | undefined, episodes: number): Shard | undefined {
  if (text === undefined) return undefined;
  const [, index = 0, count = 0] = (/^(\d{1,6})\/(\d{1,6})$/.exec(text) ?? []).map(Number);
  if (index < 1 || index > count) throw new UsageError(`--shard must be K/N, part K from 1 to N, e.g. 2/8, found "${text}"`);
  if (count > episodes) throw new UsageError(`--shard ${text}: ${episodes} episodes cannot be shared among ${count} parts`);
  return { index, count };
}

/** What sets the folders of parts apart. */
export function shardSuffix(shard: Shard | undefined): string {
  return shard ? `-${shard.index}-of-${shard.count}` : '';
}
