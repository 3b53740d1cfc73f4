import type { AbortSignalLike } from '../foundation/abort-signal.js';
import { DatasetError } from '../foundation/errors.js';
import type { Dataset, DatasetEpisode, DatasetFeature, FeatureStatistics } from './dataset.js';
import { RunningStatistics, statisticsOfRows } from './statistics.js';

/**
 * Shares by which statistics that were made of a sample of the rows may miss them: of the range, its ends; of the spread of the rows, mean and
 * spread.
 */
const OF_RANGE = 0.01;
const OF_SPREAD = 0.25;
/** Of the largest value: what float32, and texts of six digits, make of a number; and what differences of float32 squares make of a spread. */
const OF_VALUE = 1e-5;
const OF_SQUARES = 1e-3;

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
 * What of the statistics that a data set came with its rows contradict, in words: minimum and maximum that rows lie outside of, or that none comes
 * near; mean, standard deviation and quantiles that are not theirs. Of a data set in part the ends of the range are held to the rows alone. Reads all rows.
 * @throws DatasetError as `readRows`; the reason of `signal`.
 */
export async function statisticsContradictions(dataset: Dataset, feature: DatasetFeature, signal?: AbortSignalLike): Promise<string[]> {
  const stated = dataset.statistics.get(feature.name);
  if (stated === undefined || (dataset.statisticsFile === undefined && dataset.statisticsComputed)) return [];
  const found = await readFound(dataset, feature, signal);
  if (found.all.count === 0) return [];
  const file = dataset.statisticsFile ?? `statistics of ${dataset.name}`;
  return Array.from({ length: feature.size }, (_, k) => {
    const where = `${file}: "${feature.name}", dimension ${k}${feature.names ? ` (${feature.names[k]})` : ''}`;
    return contradictionsOf(dataset, stated, found, k).map((what) => `${where}: ${what}`);
  }).flat();
}

/**
 * Refuses statistics that the rows of these vectors contradict: whatever is trained on values that they normalise is wrong.
 * @throws DatasetError naming file, feature, dimension, what was expected and found; as `statisticsContradictions`.
 */
export async function checkStatistics(dataset: Dataset, features: readonly string[], signal?: AbortSignalLike): Promise<void> {
  for (const feature of dataset.features) {
    if (feature.kind !== 'vector' || !features.includes(feature.name)) continue;
    const [first, ...others] = await statisticsContradictions(dataset, feature, signal);
    if (first === undefined) continue;
    const more = others.length === 0 ? '' : ` ${others.length} more of this feature (\`warmstep dataset inspect --check\` lists all).`;
    throw new DatasetError(`${first}.${more} ${STATISTICS_REMEDY}`);
  }
}

const STATISTICS_REMEDY =
  "What the rows are normalised by must be theirs: compute the statistics from the rows (--statistics computed; openDataset: `statistics: 'computed'`), " +
  'write the data set anew (`warmstep dataset convert`), or bring the rows to the unit of the statistics.';

async function readFound(dataset: Dataset, { name, size }: DatasetFeature, signal: AbortSignalLike | undefined): Promise<FoundRows> {
  const running = new RunningStatistics(size);
  const [lowest, highest] = [new Float64Array(size), new Float64Array(size)];
  const quantiles = new Map<string, { readonly least: Float64Array; readonly most: Float64Array }>();
  const hasQuantiles = (dataset.statistics.get(name)?.quantiles.size ?? 0) > 0;
  let isWhole = true;
  for (const { from, to, missing } of dataset.episodes) {
    signal?.throwIfAborted();
    if (missing.some(({ feature }) => feature === name)) {
      isWhole = false;
      continue;
    }
    const rows = await dataset.readRows(name, from, to);
    const before = running.result();
    running.add(rows);
    const { min, max } = running.result();
    for (let k = 0; k < size; k++) {
      if (min[k] !== before.min[k]) lowest[k] = rowOf(rows, size, k, min[k] as number) + from;
      if (max[k] !== before.max[k]) highest[k] = rowOf(rows, size, k, max[k] as number) + from;
    }
    if (!hasQuantiles) continue;
    for (const [quantile, values] of statisticsOfRows(rows, size).quantiles) {
      const { least, most } = quantiles.get(quantile) ?? { least: values.slice(), most: values.slice() };
      quantiles.set(quantile, {
        least: least.map((x, k) => Math.min(x, values[k] as number)),
        most: most.map((x, k) => Math.max(x, values[k] as number)),
      });
    }
  }
  return { all: running.result(), lowest, highest, quantiles, isWhole };
}

function rowOf(rows: Float32Array, size: number, k: number, value: number): number {
  for (let row = 0; row * size + k < rows.length; row++) if (rows[row * size + k] === value) return row;
  return 0;
}

function contradictionsOf(
  dataset: Dataset,
  stated: FeatureStatistics,
  { all, lowest, highest, quantiles, isWhole }: FoundRows,
  k: number,
): string[] {
  const at = (values: Float64Array): number => values[k] as number;
  const [min, max, mean, std] = [at(stated.min), at(stated.max), at(stated.mean), at(stated.std)];
  const [least, most] = [at(all.min), at(all.max)];
  const rounding = OF_VALUE * Math.max(...[min, max, least, most].map(Math.abs));
  if (max < min - rounding) return [`expected "min" ${shown(min)} below "max", found ${shown(max)}`];
  const contradictions: string[] = [];
  const outside = OF_RANGE * (max - min) + rounding;
  if (least < min - outside)
    contradictions.push(`expected "min" of at most ${shown(least)}, ${placeOf(dataset, at(lowest))}, found ${shown(min)}`);
  if (most > max + outside)
    contradictions.push(`expected "max" of at least ${shown(most)}, ${placeOf(dataset, at(highest))}, found ${shown(max)}`);
  if (mean < min - outside || mean > max + outside)
    contradictions.push(`expected "mean" between "min" ${shown(min)} and "max" ${shown(max)}, found ${shown(mean)}`);
  // No values have more of a spread within their range.
  else if (std > (max - min) / 2 + outside)
    contradictions.push(`expected "std" of at most half of "max" − "min", ${shown((max - min) / 2)}, found ${shown(std)}`);
  if (!isWhole || contradictions.length > 0) return contradictions;
  const range = most - least + rounding;
  if (min < least - range) contradictions.push(`expected "min" near ${shown(least)}, the least of all rows, found ${shown(min)}`);
  if (max > most + range) contradictions.push(`expected "max" near ${shown(most)}, the largest of all rows, found ${shown(max)}`);
  const spread = OF_SPREAD * at(all.std) + rounding;
  if (Math.abs(mean - at(all.mean)) > spread)
    contradictions.push(`expected "mean" near ${shown(at(all.mean))}, that of all rows, found ${shown(mean)}`);
  const squares = (OF_SQUARES / OF_VALUE) * rounding;
  if (Math.abs(std - at(all.std)) > spread + squares)
    contradictions.push(`expected "std" near ${shown(at(all.std))}, that of all rows, found ${shown(std)}`);
  for (const [name, values] of stated.quantiles) {
    const between = quantiles.get(name);
    if (between === undefined) continue;
    const [low, high] = [at(between.least), at(between.most)];
    if (at(values) < low - spread - outside || at(values) > high + spread + outside)
      contradictions.push(`expected "${name}" from ${shown(low)} to ${shown(high)}, those of its episodes, found ${shown(at(values))}`);
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
