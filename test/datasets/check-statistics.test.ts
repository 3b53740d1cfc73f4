import { describe, expect, it, onTestFinished } from 'vitest';
import { checkStatistics, statisticsContradictions } from '../../src/datasets/check-statistics.js';
import type { Dataset, FeatureStatistics } from '../../src/datasets/dataset.js';
import { openDataset } from '../../src/platform/node/open-dataset.js';
import { dataFolder } from '../support/data.js';
import { changedJson, type DatasetFileMap, leRobotFiles, openFiles, valueAt } from '../support/datasets.js';
import { memoryDataset } from '../support/memory-dataset.js';

const STATS = 'meta/stats.json';
const LENGTHS = [12, 20, 8];
const ROWS = 40;
type Stats = Record<'action' | 'observation.state', Record<string, number[]>>;

async function contradictions(dataset: Dataset): Promise<string[]> {
  onTestFinished(() => dataset.close());
  const found: string[] = [];
  for (const feature of dataset.features) if (feature.kind === 'vector') found.push(...(await statisticsContradictions(dataset, feature)));
  return found;
}

/** What is found where the statistics were changed; `files`: of the data set, without them. */
async function afterChange(change: (stats: Stats) => void, files?: (files: DatasetFileMap) => void): Promise<string[]> {
  const changed = changedJson(await leRobotFiles(LENGTHS, { fileBytes: 1 }), STATS, change as (value: never) => void);
  files?.(changed);
  return contradictions(await openFiles(changed));
}

/** Exchanges a statistic of dimension 1 of the actions. */
const set =
  (statistic: string, make: (value: number) => number) =>
  (stats: Stats): void => {
    const values = stats.action[statistic] as number[];
    values[1] = make(values[1] as number);
  };

const [LOW, HIGH] = [valueAt(0, 1, 1), valueAt(ROWS - 1, 1, 1)];

describe('statistics that rows contradict', () => {
  it.each<[string, (stats: Stats) => void, RegExp]>([
    [
      'a maximum below a row',
      set('max', () => HIGH - 10),
      /"action", dimension 1: expected "max" of at least 1039\.06, as in episode 2, frame 7, found 1029\.06/,
    ],
    ['a minimum above a row', set('min', () => LOW + 3), /expected "min" of at most 1000\.06, as in episode 0, frame 0, found 1003\.06/],
    [
      'a maximum that no row comes near',
      set('max', (value) => 10 * value),
      /expected "max" near 1039\.06, the largest of all rows, found 10390\.6/,
    ],
    ['a minimum that no row comes near', set('min', () => -5000), /expected "min" near 1000\.06/],
    [
      'ends that are exchanged',
      ({ action }) => ([action['min'], action['max']] = [action['max'] as number[], action['min'] as number[]]),
      /expected "max" of at least "min", 1039, found 1000/,
    ],
    [
      'a mean that is none of theirs',
      set('mean', (value) => value + 15),
      /expected "mean" near 1019\.56, that of all rows, found 1034\.56/,
    ],
    ['a mean outside of the range', set('mean', () => 0), /expected "mean" near 1019\.56, that of all rows, found 0/],
    ['a deviation of another data set', set('std', (value) => value / 3), /expected "std" near 11\.5434, that of all rows/],
    ['a deviation beyond the range', set('std', () => 300), /expected "std" near 11\.5434, that of all rows, found 300/],
    ['quantiles of another data set', set('q99', (value) => value - 30), /expected "q99" from .* to .*, those of its episodes, found/],
  ])('%s: named with file, feature and dimension', async (_, change, message) => {
    const found = await afterChange(change);
    expect(found[0]).toMatch(message);
    expect(found.every((one) => one.startsWith(`${STATS}: "action", dimension `))).toBe(true);
  });

  it('in another unit, in all dimensions', async () => {
    const degrees = (stats: Stats): void => {
      for (const [name, values] of Object.entries(stats['observation.state']))
        if (name !== 'count') values.forEach((value, k) => (values[k] = (value * 180) / Math.PI));
    };
    const found = await afterChange(degrees);
    expect([0, 1, 2].map((k) => found.some((one) => one.includes(`"observation.state", dimension ${k} (${'abc'[k]})`)))).toEqual([
      true,
      true,
      true,
    ]);
  });

  it('where a constant is stated and rows move, too', async () => {
    const constant = (stats: Stats): void => {
      for (const [name, values] of Object.entries(stats.action)) if (name !== 'count') values[0] = name === 'std' ? 0 : 1010;
    };
    expect((await afterChange(constant))[0]).toContain('expected "min" of at most 1000, as in episode 0, frame 0, found 1010');
  });

  it('are none where they are as close as those of some of the rows, or of six digits', async () => {
    expect(await afterChange(() => {})).toEqual([]);
    const rounded = (stats: Stats): void => {
      for (const values of Object.values(stats.action)) values.forEach((value, k) => (values[k] = Number(value.toPrecision(6))));
    };
    expect(await afterChange(rounded)).toEqual([]);
    const sampled = (stats: Stats): void => {
      set('max', (value) => value - 1.5)(stats);
      set('mean', (value) => value + 4)(stats);
      set('std', (value) => value * 1.5)(stats);
    };
    expect(await afterChange(sampled)).toEqual([]);
  });

  it('are none where limits were set by hand around the rows', async () => {
    const wide = (stats: Stats): void => {
      set('min', (value) => value - 300)(stats);
      set('max', (value) => value + 300)(stats);
    };
    expect(await afterChange(wide)).toEqual([]);
  });

  it('are held to the range alone where rows are missing', async () => {
    const missing = (files: DatasetFileMap): void => void delete files['data/chunk-000/file-001.parquet'];
    expect(
      await afterChange(
        set('mean', (value) => value + 15),
        missing,
      ),
    ).toEqual([]);
    expect(
      await afterChange(
        set('max', () => HIGH - 10),
        missing,
      ),
    ).toHaveLength(1);
  });

  it('are refused for the features that are asked for, with what to do; computed ones are the rows’', async () => {
    const files = changedJson(await leRobotFiles(LENGTHS), STATS, ((stats: Stats) => set('max', () => HIGH - 10)(stats)) as (
      value: never,
    ) => void);
    const dataset = await openFiles(files);
    const pairs = (...names: string[]): Map<string, string[]> => new Map(names.map((name) => [name, ['min', 'max']]));
    await expect(checkStatistics(dataset, pairs('observation.state', 'action'))).rejects.toThrow(
      /^meta\/stats\.json: "action", dimension 1: expected .* found 1029\.06\. .*--statistics computed.*warmstep dataset convert/,
    );
    await checkStatistics(dataset, pairs('observation.state'));
    await checkStatistics(dataset, new Map([['action', ['mean', 'std']]]));
    const computed = await openFiles(files, { statistics: 'computed' });
    await checkStatistics(computed, pairs('observation.state', 'action'));
    expect(computed.statistics.get('action')?.max[1]).toBe(HIGH);
    expect((await openFiles(files, { statistics: 'none' })).statistics.get('action')?.max[1]).toBe(HIGH - 10);
  });

  it('are those of the file, where it is named, for vectors that no row is there of', async () => {
    const files = await leRobotFiles(LENGTHS, { fileBytes: 1 });
    for (const path of Object.keys(files)) if (path.startsWith('data/')) delete files[path];
    const dataset = await openFiles(files, { statistics: 'computed' });
    expect([dataset.statisticsFile, dataset.statisticsComputed]).toEqual([STATS, false]);
  });

  it('are not looked for where training does not normalise by them, or limits are wider than the rows', async () => {
    const changed = (change: (stats: Stats) => void): Promise<Dataset> =>
      leRobotFiles(LENGTHS).then((files) => openFiles(changedJson(files, STATS, change as (value: never) => void)));
    const limits = new Map([['action', ['min', 'max']]]);
    for (const statistic of ['mean', 'std', 'q99']) await checkStatistics(await changed(set(statistic, (value) => 9 * value)), limits);
    await checkStatistics(await changed(set('max', (value) => 1e6 * value)), limits);
    await checkStatistics(await changed(set('q99', (value) => value - 30)), new Map([['action', ['mean', 'std']]]));
    await expect(checkStatistics(await changed(set('q99', (value) => value - 30)), new Map([['action', ['q01', 'q99']]]))).rejects.toThrow(
      '"q99"',
    );
  });

  it('are not looked for in a vector whose statistics were computed from the rows, beside others of a file', async () => {
    const files = changedJson(
      await leRobotFiles(LENGTHS),
      STATS,
      ((stats: Partial<Stats>) => delete stats.action) as (value: never) => void,
    );
    const dataset = await openFiles(files);
    expect(dataset.statisticsFile).toBe(STATS);
    const read: string[] = [];
    const watched: Dataset = {
      ...dataset,
      features: dataset.features,
      statistics: dataset.statistics,
      readRows: (name, from, to) => {
        read.push(name);
        return dataset.readRows(name, from, to);
      },
    };
    const all = ['min', 'max', 'mean', 'std', 'q01', 'q99'];
    await checkStatistics(watched, new Map(['action', 'observation.state'].map((name) => [name, all])));
    expect(new Set(read)).toEqual(new Set(['observation.state']));
  });

  it.each([
    ['lerobot/so101-record-test-v3.0', 'a real data set in v3.0'],
    ['lerobot/g1-pick-bottle-v2.1', 'a real data set in v2.1, in part'],
  ])('are none of %s, a real one', async (path, what) => {
    const folder = dataFolder(path, what);
    if (folder) expect(await contradictions(await openDataset(folder))).toEqual([]);
  });
});

/** Mean, and root of the mean of squares less the square of the mean: every sum in float32, row by row, as numpy adds along the first axis. */
function inFloat32(rows: Float32Array): { readonly mean: number; readonly std: number } {
  let [sum, squares] = [0, 0];
  for (const value of rows) {
    sum = Math.fround(sum + value);
    squares = Math.fround(squares + Math.fround(value * value));
  }
  const mean = Math.fround(sum / rows.length);
  return { mean, std: Math.sqrt(Math.max(0, Math.fround(squares / rows.length) - Math.fround(mean * mean))) };
}

/** A data set of one vector, whose statistics are as given, or else those of its rows. */
function ofValues(value: (row: number) => number, count: number, stated: (rows: Float32Array) => Partial<Record<string, number>>): Dataset {
  const made = memoryDataset([count], [{ name: 'action', size: 1, value: (row) => Math.fround(value(row)) }]);
  const statistics = { ...(made.statistics.get('action') as FeatureStatistics) };
  for (const [name, number] of Object.entries(stated(Float32Array.from({ length: count }, (_, row) => value(row)))))
    Object.assign(statistics, { [name]: Float64Array.of(number as number) });
  return { ...made, statistics: new Map([['action', statistics]]), statisticsComputed: false, statisticsFile: STATS };
}

describe('statistics of a dimension that hardly moves', () => {
  const wave = (around: number, share: number) => (row: number) => around * (1 + share * Math.sin(row));

  it.each<[string, (row: number) => number, number]>([
    ['0.7', () => 0.7, 3000],
    ['100.1', () => 100.1, 3000],
    ['1.1', () => 1.1, 1000],
    ['45.3', () => 45.3, 300],
    ['45.3, many times', () => 45.3, 100_000],
    ['100.1 ± 0.01 %', wave(100.1, 1e-4), 300],
    ['-30 ± 0.3 %', wave(-30, 3e-3), 20_000],
    ['0', () => 0, 50],
  ])('%s: added in float32, they are good', async (_, value, count) => {
    expect(await contradictions(ofValues(value, count, inFloat32))).toEqual([]);
  });

  it.each<[string, (row: number) => number, { readonly min?: number; readonly max?: number; readonly std: number }]>([
    ['a floor was put under the deviation of a constant', () => 0, { std: 1e-2 }],
    ['a floor was put under a small deviation', (row) => 1e-3 * Math.sin(row), { std: 1e-2 }],
    ['limits were put around a constant', () => 0.5, { min: -1, max: 1, std: 1 }],
  ])('are good where %s', async (_, value, stated) => {
    expect(await contradictions(ofValues(value, 50, () => stated))).toEqual([]);
  });

  it('are not good in another unit', async () => {
    const stated = { min: 0.7906, max: 0.7906, mean: 0.7906, std: 0 };
    expect(
      await contradictions(
        ofValues(
          () => 45.3,
          300,
          () => stated,
        ),
      ),
    ).toHaveLength(2);
    expect(await contradictions(ofValues(wave(45.3, 0.2), 30_000, (rows) => ({ ...inFloat32(rows), std: 0.11 })))).toHaveLength(1);
  });
});
