import type { AbortSignalLike } from '../foundation/abort-signal.js';
import { DatasetError } from '../foundation/errors.js';
import type { Dataset, DatasetEpisode, DatasetFeature, FeatureStatistics } from './dataset.js';
import { isComputed, QUANTILES, RunningStatistics, statisticsByEpisode } from './statistics.js';

/**
 * Of the range that is stated: how far rows may lie outside, and of the deviation of the rows: how far a mean or a quantile may be off. Statistics made of a
 * sample of the rows are off by less, those of another unit or of other rows by more.
 */
const OF_RANGE = 0.05;
const OF_SPREAD = 0.5;
/** A deviation may be so many times that of the rows, or so small a part of it. */
const TIMES_SPREAD = 2;
/** Tools that divide by a deviation raise those that are smaller to this. */
const LEAST_DIVISOR = 1e-2;
/** Limits set by hand are wider than the rows as one likes; beyond so many of their ranges it is no limit. */
const TIMES_RANGE = 100;
/** Of the largest value: what float32, and texts of six digits, make of a number. */
const OF_VALUE = 1e-5;
/** Of the largest value: how far sums of any number of rows may be off. */
const OF_SUM = 1e-3;
/** What each row that is added in float32 may put a sum off by, rounded in one direction, as those of a constant are; twice, of squares and mean. */
const OF_ROW = 2 ** -23;

/** Rows of a feature, as far as they are there. */
interface FoundRows {
  readonly all: FeatureStatistics;
  /** Rows of the least and the largest value of each dimension. */
  readonly lowest: Float64Array;
  readonly highest: Float64Array;
  /** By name, the least and the largest quantile of an episode: that of all rows, and any mean of these, lie between them. */
  readonly quantiles: ReadonlyMap<string, { readonly least: Float64Array; readonly most: Float64Array }>;
  readonly isWhole: boolean;
}

/**
 * What of the statistics that a data set came with its rows contradict, in words: rows outside of minimum and maximum, or a hundred times closer together than
 * these; mean, standard deviation and quantiles that are not theirs. Of a data set in part the first alone. What float32 sums make of them is none. Reads all rows.
 * @throws DatasetError as `readRows`; the reason of `signal`.
 */
export async function statisticsContradictions(dataset: Dataset, feature: DatasetFeature, signal?: AbortSignalLike): Promise<string[]> {
  const names = ['min', 'max', 'mean', 'std', WIDE, ...(dataset.statistics.get(feature.name)?.quantiles.keys() ?? [])];
  return contradictionsIn(dataset, feature, names, signal);
}

/**
 * Refuses statistics that the rows of these vectors contradict: whatever is trained on values that they normalise is wrong. `pairs`: by vector, the
 * statistics that it is normalised by; others, and limits that are wider than the rows, change nothing or may be meant.
 * @throws DatasetError naming file, feature, dimension, what was expected and found; as `statisticsContradictions`.
 */
export async function checkStatistics(
  dataset: Dataset,
  pairs: ReadonlyMap<string, readonly string[]>,
  signal?: AbortSignalLike,
): Promise<void> {
  for (const feature of dataset.features) {
    const names = pairs.get(feature.name);
    if (feature.kind !== 'vector' || names === undefined || names.length === 0) continue;
    const [first, ...others] = await contradictionsIn(dataset, feature, names, signal);
    if (first === undefined) continue;
    const more = others.length === 0 ? '' : ` ${others.length} more of this feature (\`warmstep dataset inspect --check\` lists all).`;
    throw new DatasetError(`${first}.${more} ${STATISTICS_REMEDY}`);
  }
}

const STATISTICS_REMEDY =
  "What the rows are normalised by must be theirs: compute the statistics from the rows (--statistics computed; openDataset: `statistics: 'computed'`), " +
  'write the data set anew (`warmstep dataset convert`), or bring the rows to the unit of the statistics.';

async function contradictionsIn(
  dataset: Dataset,
  feature: DatasetFeature,
  names: readonly string[],
  signal: AbortSignalLike | undefined,
): Promise<string[]> {
  const stated = dataset.statistics.get(feature.name);
  if (stated === undefined || isComputed(stated) || (dataset.statisticsFile === undefined && dataset.statisticsComputed)) return [];
  const hasQuantiles = names.some((name) => stated.quantiles.has(name));
  const found = await readFound(dataset, feature, hasQuantiles, signal);
  if (found.all.count === 0) return [];
  const file = dataset.statisticsFile ?? `statistics of ${dataset.name}`;
  return Array.from({ length: feature.size }, (_, k) => {
    const where = `${file}: "${feature.name}", dimension ${k}${feature.names ? ` (${feature.names[k]})` : ''}`;
    const contradictions = contradictionsOf(dataset, stated, found, k).filter(({ statistic }) => names.includes(statistic));
    return contradictions.map(({ expected }) => `${where}: expected ${expected}`);
  }).flat();
}

async function readFound(
  dataset: Dataset,
  feature: DatasetFeature,
  hasQuantiles: boolean,
  signal: AbortSignalLike | undefined,
): Promise<FoundRows> {
  const { size } = feature;
  const all = new RunningStatistics(size);
  const [least, most] = [new Float64Array(size).fill(Infinity), new Float64Array(size).fill(-Infinity)];
  const [lowest, highest] = [new Float64Array(size), new Float64Array(size)];
  const quantiles = new Map<string, { readonly least: Float64Array; readonly most: Float64Array }>();
  let episodes = 0;
  for await (const { episode, rows, statistics } of statisticsByEpisode(dataset, feature, hasQuantiles ? QUANTILES : [], signal)) {
    const { min, max } = statistics;
    for (let k = 0; k < size; k++) {
      const [low, high] = [min[k] as number, max[k] as number];
      if (low < (least[k] as number)) lowest[k] = rowOf(rows, size, k, (least[k] = low)) + episode.from;
      if (high > (most[k] as number)) highest[k] = rowOf(rows, size, k, (most[k] = high)) + episode.from;
    }
    for (const [name, values] of statistics.quantiles) {
      const before = quantiles.get(name) ?? { least: values, most: values };
      quantiles.set(name, {
        least: before.least.map((x, k) => Math.min(x, values[k] as number)),
        most: before.most.map((x, k) => Math.max(x, values[k] as number)),
      });
    }
    all.merge(statistics);
    episodes++;
  }
  return { all: all.result(), lowest, highest, quantiles, isWhole: episodes === dataset.episodes.length };
}

function rowOf(rows: Float32Array, size: number, k: number, value: number): number {
  for (let row = 0; row * size + k < rows.length; row++) if (rows[row * size + k] === value) return row;
  return 0;
}

/** In place of a statistic's name: ends of the range that are far wider than the rows. */
const WIDE = 'range';

interface Contradiction {
  readonly statistic: string;
  readonly expected: string;
}

function contradictionsOf(
  dataset: Dataset,
  stated: FeatureStatistics,
  { all, lowest, highest, quantiles, isWhole }: FoundRows,
  k: number,
): Contradiction[] {
  const at = (values: Float64Array): number => values[k] as number;
  const [min, max, mean, std] = [at(stated.min), at(stated.max), at(stated.mean), at(stated.std)];
  const [least, most] = [at(all.min), at(all.max)];
  const contradictions: Contradiction[] = [];
  const add = (statistic: string, expected: string, found: number): void => {
    contradictions.push({ statistic, expected: `${expected}, found ${shown(found)}` });
  };
  const rounding = OF_VALUE * Math.max(...[min, max, least, most].map(Math.abs));
  if (max < min - rounding) add('max', `"max" of at least "min", ${shown(min)}`, max);
  else {
    const outside = OF_RANGE * (max - min) + rounding;
    if (least < min - outside) add('min', `"min" of at most ${shown(least)}, ${placeOf(dataset, at(lowest))}`, min);
    if (most > max + outside) add('max', `"max" of at least ${shown(most)}, ${placeOf(dataset, at(highest))}`, max);
  }
  if (!isWhole) return contradictions;
  const range = most - least;
  const largest = Math.max(Math.abs(least), Math.abs(most));
  const sums = Math.max(OF_SUM, OF_ROW * all.count);
  // What is left of the squares of a constant, less the square of its mean, is rounding; limits of it are set by hand.
  const isConstant = range <= 2 * sums * largest;
  if (!isConstant && min < least - TIMES_RANGE * range) add(WIDE, `"min" near ${shown(least)}, the least of all rows`, min);
  if (!isConstant && max > most + TIMES_RANGE * range) add(WIDE, `"max" near ${shown(most)}, the largest of all rows`, max);
  const spread = at(all.std);
  const off = OF_SPREAD * spread + sums * largest;
  if (Math.abs(mean - at(all.mean)) > off) add('mean', `"mean" near ${shown(at(all.mean))}, that of all rows`, mean);
  const squares = (Math.sqrt(OF_ROW * all.count) / 2) * largest;
  const isTooWide = std > Math.max(TIMES_SPREAD * spread, LEAST_DIVISOR) + squares;
  if (!isConstant && (isTooWide || std < spread / TIMES_SPREAD - squares)) add('std', `"std" near ${shown(spread)}, that of all rows`, std);
  for (const [name, values] of stated.quantiles) {
    const between = quantiles.get(name);
    if (between === undefined) continue;
    const [low, high] = [at(between.least), at(between.most)];
    if (at(values) < low - off || at(values) > high + off)
      add(name, `"${name}" from ${shown(low)} to ${shown(high)}, those of its episodes`, at(values));
  }
  return contradictions;
}

function placeOf({ episodes }: Dataset, row: number): string {
  const { index, from } = episodes.find(({ to }) => row < to) as DatasetEpisode;
  return `as in episode ${index}, frame ${row - from}`;
}

function shown(value: number): string {
  return String(Number(value.toPrecision(6)));
}
