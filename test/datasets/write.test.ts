import { parquetMetadata } from 'hyparquet';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Dataset } from '../../src/datasets/dataset.js';
import { statisticsOfRows } from '../../src/datasets/statistics.js';
import { writeLeRobotDataset } from '../../src/datasets/write/write-lerobot.js';
import { openDataset } from '../../src/platform/node/open-dataset.js';
import { dataFolder } from '../support/data.js';
import { arrayFiles, type DatasetFileMap, leRobotFiles, MemorySink, openFiles, rowsOf, valueAt } from '../support/datasets.js';

const so101 = dataFolder('lerobot/so101-record-test-v3.0', 'files written here beside those that LeRobot wrote');

const DATA = 'data/chunk-000/file-000.parquet';
const EPISODES = 'meta/episodes/chunk-000/file-000.parquet';

function metadataOf(files: DatasetFileMap, path: string): ReturnType<typeof parquetMetadata> {
  return parquetMetadata((files[path] as Uint8Array<ArrayBuffer>).slice().buffer);
}

describe('a data set that is written', () => {
  it('is read again as it was', async () => {
    const dataset = await openFiles(await leRobotFiles([5, 3, 10]));
    expect([dataset.format, dataset.fps, dataset.frames, dataset.robot]).toEqual(['lerobot-v3.0', 10, 18, null]);
    expect(dataset.episodes.map(({ from, to, tasks }) => [from, to, tasks])).toEqual([
      [0, 5, ['push']],
      [5, 8, ['push']],
      [8, 18, ['push']],
    ]);
    expect(dataset.features.map(({ name, shape, names }) => [name, shape, names])).toEqual([
      ['observation.state', [3], ['a', 'b', 'c']],
      ['action', [2], null],
      ['next.reward', [1], null],
    ]);
    expect(await dataset.readRows('observation.state', 0, 18)).toEqual(rowsOf(18, 3, 0));
    expect(await dataset.readRows('action', 4, 9)).toEqual(rowsOf(18, 2, 1).subarray(8, 18));
    expect([...(await dataset.readRows('next.reward', 16, 18))]).toEqual([valueAt(16, 1), valueAt(17, 1)]);
  });

  it('has the statistics of its rows', async () => {
    const dataset = await openFiles(await leRobotFiles([5, 3, 10]));
    expect(dataset.statisticsComputed).toBe(false);
    const { min, max, mean, std, count, quantiles } = dataset.statistics.get('action')!;
    const exact = statisticsOfRows(rowsOf(18, 2, 1), 2);
    expect([[...min], [...max], count]).toEqual([[...exact.min], [...exact.max], 18]);
    mean.forEach((value, k) => expect(value).toBeCloseTo(exact.mean[k] as number, 10));
    std.forEach((value, k) => expect(value).toBeCloseTo(exact.std[k] as number, 10));
    expect([...quantiles.keys()]).toEqual(['q01', 'q10', 'q50', 'q90', 'q99']);
    // Medians of the episodes, 1002, 1006 and 1012.5, weighted by their 5, 3 and 10 frames.
    expect(quantiles.get('q50')?.[0]).toBeCloseTo((1002 * 5 + 1006 * 3 + 1012.5 * 10) / 18, 10);
  });

  it('has no quantiles of no rows, nor where none are wanted', () => {
    expect([...statisticsOfRows([], 2).quantiles]).toEqual([]);
    expect([...statisticsOfRows([1, 2], 2, []).quantiles]).toEqual([]);
    expect(statisticsOfRows([1, 2], 2).quantiles.get('q50')).toEqual(Float64Array.of(1, 2));
  });

  it('begins a new file when one is full', async () => {
    const files = await leRobotFiles([5, 3, 10, 4], { fileBytes: 1200 });
    expect(Object.keys(files).filter((path) => path.startsWith('data/')).length).toBeGreaterThan(1);
    const dataset = await openFiles(files);
    expect(await dataset.readRows('observation.state', 0, 22)).toEqual(rowsOf(22, 3, 0));
  });

  it('is complete when meta/info.json is there, which comes last', async () => {
    expect(Object.keys(await leRobotFiles([5, 3])).at(-1)).toBe('meta/info.json');
  });

  it('keeps tasks apart, and leaves out episodes that miss something', async () => {
    const files = await leRobotFiles([5, 3, 10], { fileBytes: 1 });
    delete files['data/chunk-000/file-001.parquet'];
    const torn = await openFiles(files);
    expect(torn.missing).toEqual(['data/chunk-000/file-001.parquet']);
    const sink = new MemorySink();
    expect((await writeLeRobotDataset(torn, sink)).leftOut).toEqual([1]);
    const again = await openFiles(sink.files);
    expect(again.episodes.map(({ from, to }) => [from, to])).toEqual([
      [0, 5],
      [5, 15],
    ]);
    expect([...(await again.readRows('action', 4, 6))]).toEqual([4, 8].flatMap((row) => [valueAt(row, 0, 1), valueAt(row, 1, 1)]));
  });

  it('refuses what does not fit, before anything is written', async () => {
    const source = await openFiles(arrayFiles([5]), { fps: 10 });
    const write = (features: unknown): Promise<unknown> => writeLeRobotDataset(source, new MemorySink(), { features: features as never });
    await expect(write([{ name: 'x', from: 'velocity' }])).rejects.toThrow(
      'expected one of the features action, state for "x", found velocity',
    );
    await expect(write([{ name: '../x', from: 'state' }])).rejects.toThrow('found ../x');
    await expect(write([{ name: 'x', from: 'state', first: 2, count: 2 }])).rejects.toThrow('dimensions of "x"');
    await expect(write([{ name: 'x', from: 'state', names: ['a'] }])).rejects.toThrow('names of "x"');
    await expect(write(['state', 'state'].map((from) => ({ name: 'x', from })))).rejects.toThrow('"x" twice');
    await expect(write([{ name: 'x', from: 'state', compute: { size: 1, row: () => [NaN] } }])).rejects.toThrow('episode 0, frame 0');
    await expect(write([])).rejects.toThrow('at least one feature');
  });
});

describe('files written here', () => {
  const copied = async (): Promise<{ source: Dataset; files: DatasetFileMap }> => {
    const source = await openDataset(so101 as string);
    const sink = new MemorySink();
    const vectors = ['action', 'observation.state'].map((name) => ({ name, from: name }));
    await writeLeRobotDataset(source, sink, { features: vectors });
    return { source, files: sink.files };
  };

  it.skipIf(!so101)('have the columns, types and metadata of those that LeRobot wrote', async () => {
    const { readFileSync } = await import('node:fs');
    const { source, files } = await copied();
    await source.close();
    const original = (path: string): Uint8Array => new Uint8Array(readFileSync(`${so101}/${path}`));
    for (const path of [DATA, EPISODES, 'meta/tasks.parquet']) {
      const theirs = metadataOf({ [path]: original(path) }, path);
      const ours = metadataOf(files, path);
      // Those of the cameras are not written, because their videos are not there.
      const isWritten = groupsOf(theirs.schema).filter(([name]) => !/images|^videos/.test(name));
      expect(groupsOf(ours.schema)).toEqual(isWritten);
      expect([ours.num_rows, ours.row_groups.map(({ num_rows }) => num_rows)]).toEqual([
        theirs.num_rows,
        path === DATA ? theirs.row_groups.map(({ num_rows }) => num_rows) : [ours.num_rows],
      ]);
    }
    const keyOf = (metadata: ReturnType<typeof parquetMetadata>, key: string): unknown => {
      return JSON.parse(metadata.key_value_metadata?.find((entry) => entry.key === key)?.value ?? 'null');
    };
    const theirs = keyOf(metadataOf({ [DATA]: original(DATA) }, DATA), 'huggingface') as { info: unknown };
    expect(keyOf(metadataOf(files, DATA), 'huggingface')).toEqual({ info: theirs.info });
    const tasks = 'meta/tasks.parquet';
    const pandas = keyOf(metadataOf({ [tasks]: original(tasks) }, tasks), 'pandas') as object;
    expect(keyOf(metadataOf(files, tasks), 'pandas')).toEqual({ ...pandas, creator: expect.anything() });
    const info = JSON.parse(new TextDecoder().decode(original('meta/info.json'))) as {
      features: Record<string, unknown>;
      video_path: unknown;
    };
    const features = Object.fromEntries(Object.entries(info.features).filter(([name]) => !name.includes('images')));
    expect(JSON.parse(files['meta/info.json'] as string)).toEqual({ ...info, features, video_path: null });
  });

  it.skipIf(!so101)('have the rows of those that LeRobot wrote, and their statistics', async () => {
    const { source, files } = await copied();
    onTestFinished(() => source.close());
    const dataset = await openFiles(files);
    for (const name of ['action', 'observation.state']) {
      expect(await dataset.readRows(name, 0, dataset.frames)).toEqual(await source.readRows(name, 0, source.frames));
      const [ours, theirs] = [dataset.statistics.get(name)!, source.statistics.get(name)!];
      for (const key of ['min', 'max', 'mean', 'std'] as const) {
        ours[key].forEach((value, k) => expect(Math.abs(value - (theirs[key][k] as number))).toBeLessThan(5e-5 * (1 + Math.abs(value))));
      }
      // LeRobot sums in float32 here and there. Its quantiles are those of a histogram of 5,000 bins.
      for (const [key, values] of ours.quantiles) {
        const range = (k: number): number => (ours.max[k] as number) - (ours.min[k] as number);
        values.forEach((value, k) => expect(Math.abs(value - (theirs.quantiles.get(key)?.[k] as number))).toBeLessThan(range(k) / 100));
      }
    }
    expect(dataset.episodes.map(({ from, to, tasks }) => ({ from, to, tasks }))).toEqual(
      source.episodes.map(({ from, to, tasks }) => ({ from, to, tasks })),
    );
  });
});

/** Top-level columns with everything below them. */
function groupsOf(schema: readonly { name: string; num_children?: number }[]): [string, object[]][] {
  const groups: [string, object[]][] = [];
  const take = (at: number): number => {
    const children = schema[at]?.num_children ?? 0;
    let next = at + 1;
    for (let i = 0; i < children; i++) next = take(next);
    return next;
  };
  for (let at = 1; at < schema.length; ) {
    const end = take(at);
    groups.push([(schema[at] as { name: string }).name, schema.slice(at, end)]);
    at = end;
  }
  return groups;
}
