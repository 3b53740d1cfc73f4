import type { Dataset, DatasetEpisode, FeatureStatistics } from '../../src/datasets/dataset.js';

export interface MemoryFeature {
  readonly name: string;
  readonly size: number;
  /** Value `channel` of a row. */
  readonly value: (row: number, channel: number) => number;
}

/** A data set that is made up: episodes of these lengths, vectors by formula. */
export function memoryDataset(lengths: readonly number[], features: readonly MemoryFeature[]): Dataset {
  const frames = lengths.reduce((sum, length) => sum + length, 0);
  let from = 0;
  const episodes = lengths.map((length, index): DatasetEpisode => {
    const episode = { index, from, to: from + length, tasks: [], missing: [] };
    from += length;
    return episode;
  });
  const none = (): never => {
    throw new Error('this data set has no pictures');
  };
  return {
    name: 'made up',
    format: 'arrays',
    fps: 10,
    robot: null,
    features: features.map(({ name, size }) => ({ name, kind: 'vector', dtype: 'float32', shape: [size], size, names: null })),
    episodes,
    frames,
    statistics: new Map(features.map((feature) => [feature.name, statisticsOf(feature, frames)])),
    statisticsComputed: true,
    missing: [],
    warnings: [],
    readRows: async (name, first, end) => {
      const feature = features.find((candidate) => candidate.name === name);
      if (!feature) throw new Error(`this data set has no "${name}"`);
      const { size, value } = feature;
      return Float32Array.from({ length: (end - first) * size }, (_, i) => value(first + Math.floor(i / size), i % size));
    },
    readPicture: none,
    readPictures: none,
    close: async () => {},
  };
}

function statisticsOf({ size, value }: MemoryFeature, frames: number): FeatureStatistics {
  const columns = Array.from({ length: size }, (_, channel) =>
    Array.from({ length: frames }, (__, row) => Math.fround(value(row, channel))),
  );
  const per = (of: (column: readonly number[]) => number): Float64Array => Float64Array.from(columns, of);
  const mean = (column: readonly number[]): number => column.reduce((sum, x) => sum + x, 0) / frames;
  return {
    min: per((column) => column.reduce((least, x) => Math.min(least, x))),
    max: per((column) => column.reduce((most, x) => Math.max(most, x))),
    mean: per(mean),
    std: per((column) => {
      const center = mean(column);
      return Math.sqrt(mean(column.map((x) => (x - center) ** 2)));
    }),
    count: frames,
    quantiles: new Map(),
  };
}
