import { describe, expect, it, onTestFinished } from 'vitest';
import { checkStatistics, statisticsContradictions } from '../../src/datasets/check-statistics.js';
import type { Dataset } from '../../src/datasets/dataset.js';
import { openDataset } from '../../src/platform/node/open-dataset.js';
import { dataFolder } from '../support/data.js';
import { changedJson, type DatasetFileMap, leRobotFiles, openFiles, valueAt } from '../support/datasets.js';

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
    ['a minimum that no row comes near', set('min', () => -500), /expected "min" near 1000\.06/],
    [
      'ends that are exchanged',
      ({ action }) => ([action['min'], action['max']] = [action['max'] as number[], action['min'] as number[]]),
      /below "max"/,
    ],
    [
      'a mean that is none of theirs',
      set('mean', (value) => value + 15),
      /expected "mean" near 1019\.56, that of all rows, found 1034\.56/,
    ],
    ['a mean outside of the range', set('mean', () => 0), /expected "mean" between "min" 1000\.06 and "max" 1039\.06, found 0/],
    ['a deviation of another data set', set('std', (value) => value / 3), /expected "std" near 11\.5434, that of all rows/],
    ['a deviation beyond the range', set('std', () => 300), /expected "std" of at most half of "max" − "min"/],
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

  it('are none where they are as close as those of some of the rows, or in single precision', async () => {
    expect(await afterChange(() => {})).toEqual([]);
    const rounded = (stats: Stats): void => {
      for (const values of Object.values(stats.action)) values.forEach((value, k) => (values[k] = Number(value.toPrecision(6))));
    };
    expect(await afterChange(rounded)).toEqual([]);
    const sampled = (stats: Stats): void => {
      set('max', (value) => value - 0.3)(stats);
      set('mean', (value) => value + 1)(stats);
      set('std', (value) => value * 1.1)(stats);
    };
    expect(await afterChange(sampled)).toEqual([]);
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
    await expect(checkStatistics(dataset, ['observation.state', 'action'])).rejects.toThrow(
      /^meta\/stats\.json: "action", dimension 1: expected .* found 1029\.06\. .*--statistics computed.*warmstep dataset convert/,
    );
    await checkStatistics(dataset, ['observation.state']);
    const computed = await openFiles(files, { statistics: 'computed' });
    await checkStatistics(computed, ['observation.state', 'action']);
    expect(computed.statistics.get('action')?.max[1]).toBe(HIGH);
    expect((await openFiles(files, { statistics: 'none' })).statistics.get('action')?.max[1]).toBe(HIGH - 10);
  });

  it.each([
    ['lerobot/so101-record-test-v3.0', 'a real data set in v3.0'],
    ['lerobot/g1-pick-bottle-v2.1', 'a real data set in v2.1, in part'],
  ])('are none of %s, a real one', async (path, what) => {
    const folder = dataFolder(path, what);
    if (folder) expect(await contradictions(await openDataset(folder))).toEqual([]);
  });
});
