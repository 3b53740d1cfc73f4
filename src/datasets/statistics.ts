import type { AbortSignalLike } from '../foundation/abort-signal.js';
import { OptionError } from '../foundation/errors.js';
import { shownValue } from '../foundation/shown.js';
import type { Dataset, DatasetEpisode, DatasetFeature, FeatureStatistics } from './dataset.js';
import { checkDataset } from './windows.js';

/** Mean and spread of numbers that come one after the other, per dimension: Welford's sums, mergeable (Chan et al. 1979), float64. */
export class RunningStatistics {
  readonly size: number;
  #count = 0;
  readonly #min: Float64Array;
  readonly #max: Float64Array;
  readonly #mean: Float64Array;
  /** Sums of squared differences from the mean. */
  readonly #squares: Float64Array;

  constructor(size: number) {
    this.size = size;
    this.#min = new Float64Array(size).fill(Infinity);
    this.#max = new Float64Array(size).fill(-Infinity);
    this.#mean = new Float64Array(size);
    this.#squares = new Float64Array(size);
  }

  get count(): number {
    return this.#count;
  }

  /** Rows [n][size]. */
  add(rows: ArrayLike<number>): void {
    for (let at = 0; at < rows.length; at += this.size) {
      this.#count++;
      for (let k = 0; k < this.size; k++) {
        const value = rows[at + k] as number;
        const before = value - (this.#mean[k] as number);
        const mean = (this.#mean[k] as number) + before / this.#count;
        this.#mean[k] = mean;
        this.#squares[k] = (this.#squares[k] as number) + before * (value - mean);
        if (value < (this.#min[k] as number)) this.#min[k] = value;
        if (value > (this.#max[k] as number)) this.#max[k] = value;
      }
    }
  }

  /** What was found of other rows, e.g. of an episode. */
  merge(other: FeatureStatistics): void {
    if (other.count === 0) return;
    const total = this.#count + other.count;
    for (let k = 0; k < this.size; k++) {
      const difference = (other.mean[k] as number) - (this.#mean[k] as number);
      const spread = (other.std[k] as number) ** 2 * other.count;
      this.#squares[k] = (this.#squares[k] as number) + spread + (difference ** 2 * this.#count * other.count) / total;
      this.#mean[k] = (this.#mean[k] as number) + (difference * other.count) / total;
      this.#min[k] = Math.min(this.#min[k] as number, other.min[k] as number);
      this.#max[k] = Math.max(this.#max[k] as number, other.max[k] as number);
    }
    this.#count = total;
  }

  result(quantiles: ReadonlyMap<string, Float64Array> = new Map()): FeatureStatistics {
    const count = this.#count;
    return {
      min: this.#min.slice(),
      max: this.#max.slice(),
      mean: this.#mean.slice(),
      std: this.#squares.map((sum) => Math.sqrt(sum / count)),
      count,
      quantiles,
    };
  }
}

/** Statistics of parts as one, as LeRobot aggregates those of episodes: quantiles are means of quantiles, weighted by frames. */
export class AggregatedStatistics {
  readonly #running: RunningStatistics;
  readonly #sums = new Map<string, Float64Array>();
  #hasAll = true;

  constructor(size: number) {
    this.#running = new RunningStatistics(size);
  }

  add(part: FeatureStatistics): void {
    if (part.count === 0) return;
    const isFirst = this.#running.count === 0;
    this.#running.merge(part);
    if (isFirst) for (const [name, values] of part.quantiles) this.#sums.set(name, new Float64Array(values.length));
    for (const [name, sums] of this.#sums) {
      const values = part.quantiles.get(name);
      if (values === undefined) this.#hasAll = false;
      else for (let k = 0; k < sums.length; k++) sums[k] = (sums[k] as number) + (values[k] as number) * part.count;
    }
  }

  result(): FeatureStatistics {
    const { count } = this.#running;
    const quantiles = this.#hasAll
      ? [...this.#sums].map(([name, sums]): [string, Float64Array] => [name, sums.map((sum) => sum / count)])
      : [];
    return this.#running.result(new Map(quantiles));
  }
}

/** LeRobot's quantiles by name. */
export const QUANTILES: readonly (readonly [string, number])[] = [
  ['q01', 0.01],
  ['q10', 0.1],
  ['q50', 0.5],
  ['q90', 0.9],
  ['q99', 0.99],
];

/** Statistics of rows [n][size] that are all in memory, with exact quantiles (linear between neighbours, as numpy), which take a sort each dimension. */
export function statisticsOfRows(rows: ArrayLike<number>, size: number, wanted: typeof QUANTILES = QUANTILES): FeatureStatistics {
  const running = new RunningStatistics(size);
  running.add(rows);
  const count = rows.length / size;
  // Of no rows there are none: zeros would be numbers that nobody found.
  if (count === 0 || wanted.length === 0) return running.result();
  const quantiles = new Map(wanted.map(([name]) => [name, new Float64Array(size)]));
  const column = new Float64Array(count);
  for (let k = 0; k < size; k++) {
    for (let row = 0; row < count; row++) column[row] = rows[row * size + k] as number;
    column.sort();
    for (const [name, fraction] of wanted) (quantiles.get(name) as Float64Array)[k] = quantileOf(column, fraction);
  }
  return running.result(quantiles);
}

function quantileOf(sorted: Float64Array, fraction: number): number {
  const place = fraction * (sorted.length - 1);
  const low = Math.floor(place);
  const first = sorted[low] as number;
  return first + ((sorted[Math.min(low + 1, sorted.length - 1)] as number) - first) * (place - low);
}

/** An episode that has a vector, its rows [n][size], and their statistics. */
export interface EpisodeRows {
  readonly episode: DatasetEpisode;
  readonly rows: Float32Array;
  readonly statistics: FeatureStatistics;
}

/**
 * What the rows of a vector come to, episode by episode of those that have it: memory does not grow with the data set.
 * @throws DatasetError as `readRows`; the reason of `signal`.
 */
export async function* statisticsByEpisode(
  dataset: Dataset,
  { name, size }: DatasetFeature,
  wanted: typeof QUANTILES = QUANTILES,
  signal?: AbortSignalLike,
): AsyncGenerator<EpisodeRows> {
  for (const episode of dataset.episodes) {
    signal?.throwIfAborted();
    if (episode.missing.some(({ feature }) => feature === name)) continue;
    const rows = await dataset.readRows(name, episode.from, episode.to);
    yield { episode, rows, statistics: statisticsOfRows(rows, size, wanted) };
  }
}

const COMPUTED = new WeakSet<FeatureStatistics>();

/** Whether they were made here, of the rows: these contradict them in nothing. */
export function isComputed(statistics: FeatureStatistics): boolean {
  return COMPUTED.has(statistics);
}

/**
 * Statistics of a vector over the episodes that have it, read episode by episode: memory does not grow with the data set. Quantiles are
 * aggregated as LeRobot does.
 * @throws OptionError; DatasetError as `readRows`.
 */
export async function computeStatistics(dataset: Dataset, feature: DatasetFeature): Promise<FeatureStatistics> {
  checkDataset('computeStatistics', dataset);
  if (!dataset.features.includes(feature)) {
    throw new OptionError(`computeStatistics: expected one of the features of the data set, found ${shownValue(feature)}.`);
  }
  const all = new AggregatedStatistics(feature.size);
  for await (const { statistics } of statisticsByEpisode(dataset, feature)) all.add(statistics);
  const result = all.result();
  COMPUTED.add(result);
  return result;
}
