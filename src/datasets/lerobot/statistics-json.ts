import { JsonObject, shown } from '../../checkpoints/json-object.js';
import { DatasetError } from '../../foundation/errors.js';
import type { DatasetFeature, FeatureStatistics } from '../dataset.js';
import { type DatasetFiles, inDatasetWords } from '../files.js';
import { AggregatedStatistics } from '../statistics.js';

const STATS = 'meta/stats.json';
const EPISODES_STATS = 'meta/episodes_stats.jsonl';
const KEYS = ['min', 'max', 'mean', 'std'] as const;
const MOST_COUNT = Number.MAX_SAFE_INTEGER;

/**
 * Statistics as the data set says: v3.0 and v2.0 have them for all frames, v2.1 episode by episode, which become one as LeRobot
 * aggregates them (lerobot/datasets/compute_stats.py). A feature that is not in the files is not in the result.
 * @throws DatasetError naming file, feature and statistic.
 */
export async function readStatistics(
  files: DatasetFiles,
  features: readonly DatasetFeature[],
  frames: number,
): Promise<Map<string, FeatureStatistics>> {
  const found = new Map<string, FeatureStatistics>();
  if (files.has(STATS)) {
    const all = await files.json(STATS);
    for (const feature of features) {
      const one = inDatasetWords(() => statisticsOf(new JsonObject(STATS, all), feature, frames));
      if (one !== undefined) found.set(feature.name, one);
    }
  } else if (files.has(EPISODES_STATS)) {
    const sums = new Map(features.map((feature) => [feature, new AggregatedStatistics(statisticSize(feature))]));
    const counts = new Map(features.map((feature) => [feature, 0]));
    for await (const { value, where } of files.jsonLines(EPISODES_STATS)) {
      inDatasetWords(() => {
        const stats = new JsonObject(where, value).object('stats');
        for (const [feature, sum] of sums) {
          const one = statisticsOf(stats, feature, undefined);
          if (one === undefined) continue;
          sum.add(one);
          counts.set(feature, (counts.get(feature) as number) + 1);
        }
      });
    }
    for (const [feature, sum] of sums) if ((counts.get(feature) as number) > 0) found.set(feature.name, sum.result());
  }
  return found;
}

/** The file that a data set has its statistics in, where it has one. */
export function statisticsPath(files: DatasetFiles): string | undefined {
  return [STATS, EPISODES_STATS].find((file) => files.has(file));
}

/** Numbers per statistic: dimensions of a vector, channels of pictures. */
export function statisticSize({ kind, size, shape }: DatasetFeature): number {
  return kind === 'vector' ? size : (shape[2] as number);
}

function statisticsOf(all: JsonObject, feature: DatasetFeature, frames: number | undefined): FeatureStatistics | undefined {
  if (!all.has(feature.name)) return undefined;
  const given = all.object(feature.name);
  const size = statisticSize(feature);
  const [min, max, mean, std] = KEYS.map((key) => numbers(given, key, size)) as [Float64Array, Float64Array, Float64Array, Float64Array];
  const index = std.findIndex((value) => value < 0);
  if (index >= 0) throw new DatasetError(`${given.where}: "std" must not be negative, found ${std[index]}. Compute the statistics again.`);
  const isCounted = given.has('count') || frames === undefined;
  const count = isCounted ? (numbers(given, 'count', 1)[0] as number) : frames;
  if (!(Number.isInteger(count) && count >= 0 && count <= MOST_COUNT)) given.fail('count', 'a number of frames');
  const names = given.keys().filter((key) => /^q\d\d$/.test(key));
  return { min, max, mean, std, count, quantiles: new Map(names.map((name) => [name, numbers(given, name, size)])) };
}

/** Numbers in lists of any depth: [n], or [n, 1, 1] of channels. */
function numbers(given: JsonObject, key: string, size: number): Float64Array {
  const value = given.value(key);
  const flat: unknown[] = Array.isArray(value) ? (value.flat(4) as unknown[]) : [value];
  // What is true or false has its statistics in these words.
  const list = flat.map((item) => (typeof item === 'boolean' ? Number(item) : item));
  const wrong = list.findIndex((item) => typeof item !== 'number' || !Number.isFinite(item));
  if (wrong >= 0 || list.length !== size) {
    const found = wrong >= 0 ? `${shown(list[wrong])} at index ${wrong}` : `${list.length}`;
    throw new DatasetError(`${given.where}: "${key}" must be ${size} finite numbers, found ${found}. Compute the statistics again.`);
  }
  return Float64Array.from(list as number[]);
}
