import type { FeatureStatistics, PictureData } from '../dataset.js';
import { QUANTILES } from '../statistics.js';

const LEVELS = 256;
const CHANNELS = 3;

/** Statistics of the channels of pictures, of values from 0 to 1: exact, from counts of all levels, in constant memory. */
export class PictureStatistics {
  readonly #counts = Array.from({ length: CHANNELS }, () => new Float64Array(LEVELS));
  #pictures = 0;

  add({ data }: PictureData): void {
    this.#pictures++;
    for (let i = 0; i < data.length; i++) {
      const counts = this.#counts[i % CHANNELS] as Float64Array;
      const level = data[i] as number;
      counts[level] = (counts[level] as number) + 1;
    }
  }

  result(): FeatureStatistics {
    const of = (channel: (counts: Float64Array) => number): Float64Array => Float64Array.from(this.#counts, channel);
    const unit = (level: number): number => level / (LEVELS - 1);
    const total = (counts: Float64Array): number => counts.reduce((sum, count) => sum + count, 0);
    const meanOf = (counts: Float64Array): number => counts.reduce((sum, count, level) => sum + count * unit(level), 0) / total(counts);
    return {
      min: of((counts) => unit(counts.findIndex((count) => count > 0))),
      max: of((counts) => unit(counts.findLastIndex((count) => count > 0))),
      mean: of(meanOf),
      std: of((counts) => {
        const mean = meanOf(counts);
        return Math.sqrt(counts.reduce((sum, count, level) => sum + count * (unit(level) - mean) ** 2, 0) / total(counts));
      }),
      count: this.#pictures,
      quantiles: new Map(
        QUANTILES.map(([name, fraction]) => [
          name,
          of((counts) => {
            let left = fraction * total(counts);
            return unit(counts.findIndex((count) => (left -= count) <= 0));
          }),
        ]),
      ),
    };
  }
}
