import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import { describe, expect, it } from 'vitest';
import type { CheckedRows } from '../../src/datasets/dataset.js';
import { encodePng } from '../../src/datasets/pictures/png.js';
import { listColumn, pictureColumn, scalarColumn, schemaOf } from '../../src/datasets/write/schema.js';
import { arrayFiles, bytesOf, changedJson, type DatasetFileMap, leRobotFiles, openFiles, rowsOf } from '../support/datasets.js';

const DATA = 'data/chunk-000/file-000.parquet';
const LENGTHS = [4, 6];
const ROWS = 10;

type Columns = Record<'observation.state' | 'action' | 'next.reward' | 'timestamp' | 'frame_index' | 'episode_index', unknown[]>;

/** The data file of `leRobotFiles` with a change to its columns. */
async function withColumns(change: (columns: Columns) => void, pictures: unknown[] = []): Promise<DatasetFileMap> {
  const frames = [0, 1, 2, 3, 0, 1, 2, 3, 4, 5];
  const lists = (size: number, feature: number): unknown[] => {
    const rows = rowsOf(ROWS, size, feature);
    return Array.from({ length: ROWS }, (_, row) => [...rows.subarray(row * size, (row + 1) * size)]);
  };
  const columns: Columns = {
    'observation.state': lists(3, 0),
    action: lists(2, 1),
    'next.reward': [...rowsOf(ROWS, 1, 0)],
    timestamp: frames.map((frame) => Math.fround(frame / 10)),
    frame_index: frames.map(BigInt),
    episode_index: [0, 0, 0, 0, 1, 1, 1, 1, 1, 1].map(BigInt),
  };
  change(columns);
  const writer = new ByteWriter();
  const types = { timestamp: 'FLOAT', 'next.reward': 'FLOAT', frame_index: 'INT64', episode_index: 'INT64' } as const;
  const all = pictures.length === 0 ? columns : { ...columns, [CAMERA]: pictures };
  const schema = Object.keys(all).map((name) =>
    name === CAMERA ? pictureColumn(name) : name in types ? scalarColumn(name, types[name as 'timestamp']) : listColumn(name, 'FLOAT'),
  );
  const file = new ParquetWriter({ writer, schema: schemaOf(schema) });
  // Row groups that begin within an episode.
  file.write({ columnData: Object.entries(all).map(([name, data]) => ({ name, data })), rowGroupSize: 3 });
  file.finish();
  return { ...(await leRobotFiles(LENGTHS)), [DATA]: new Uint8Array(writer.getBuffer()) };
}

const CAMERA = 'observation.images.top';

/** The same with pictures of 2 × 2 pixels in the rows. */
async function withPictures(change: (pictures: unknown[], timestamp: unknown[]) => void): Promise<DatasetFileMap> {
  const bytes = await encodePng({ data: new Uint8Array(12), height: 2, width: 2 });
  const pictures: unknown[] = Array.from({ length: ROWS }, () => ({ bytes, path: null }));
  const files = await withColumns(({ timestamp }) => change(pictures, timestamp), pictures);
  const feature = { dtype: 'image', shape: [2, 2, 3], names: ['height', 'width', 'channels'] };
  return changedJson(files, 'meta/info.json', ((info: { features: object }) => Object.assign(info.features, { [CAMERA]: feature })) as (
    value: never,
  ) => void);
}

async function read(files: DatasetFileMap, from = 0, to = ROWS): Promise<Float32Array> {
  const dataset = await openFiles(files);
  return dataset.readRows('action', from, to);
}

describe('rows that are damaged', () => {
  it('are right when nothing was changed', async () => {
    expect(await read(await withColumns(() => {}))).toEqual(rowsOf(ROWS, 2, 1));
  });

  it.each<[string, (columns: Columns) => void, string]>([
    [
      'not a number',
      ({ action }) => ((action[7] as number[])[1] = NaN),
      'episode 1, frame 3: expected finite numbers, found NaN in dimension 1 of "action"',
    ],
    [
      'infinite',
      ({ action }) => ((action[0] as number[])[0] = -Infinity),
      'episode 0, frame 0: expected finite numbers, found -Infinity in dimension 0',
    ],
    ['missing', ({ action }) => (action[5] = null), 'episode 1, frame 1: expected 2 numbers of "action", found nothing'],
    ['too short', ({ action }) => (action[2] = [1]), 'episode 0, frame 2: expected 2 numbers of "action", found 1 values'],
    ['too long', ({ action }) => (action[9] = [1, 2, 3]), 'values of "action.list.element"'],
    ['in another order', ({ frame_index }) => frame_index.splice(4, 2, 1n, 0n), 'episode 1, frame 0: expected "frame_index" 0, found 1'],
    ['of another episode', ({ episode_index }) => (episode_index[4] = 0n), 'episode 1, frame 0: expected "episode_index" 1, found 0'],
    ['doubled', ({ frame_index }) => (frame_index[8] = 3n), 'episode 1, frame 4: expected "frame_index" 4, found 3'],
    ['without a time', ({ timestamp }) => (timestamp[6] = null), 'episode 1, frame 2: expected a number in "timestamp", found nothing'],
    ['not later than those before', ({ timestamp }) => (timestamp[8] = 0.3), 'episode 1, frame 4: expected "timestamp" to increase'],
    [
      'a frame late',
      ({ timestamp }) => (timestamp[2] = 0.3),
      'episode 0, frame 2: expected "timestamp" to be 0.100000 s later, at 10 frames per second, found 0.200000 s',
    ],
    [
      'at another rate',
      (columns) => (columns.timestamp = columns.timestamp.map((time) => (time as number) / 3)),
      'frame 1: expected "timestamp" to be 0.100000 s later',
    ],
  ])('%s: the error names file, episode and frame', async (_, change, message) => {
    await expect(read(await withColumns(change))).rejects.toThrow(message);
  });

  it('do no harm to what lies elsewhere', async () => {
    const files = await withColumns(({ action }) => ((action[9] as number[])[1] = NaN));
    expect(await read(files, 0, 9)).toEqual(rowsOf(9, 2, 1));
    await expect(read(files, 0, 10)).rejects.toThrow(DATA);
  });

  it('are all named by a check, whatever is wrong with others of the same block', async () => {
    const files = await withColumns(({ action, timestamp, frame_index, ...columns }) => {
      (action[0] as number[])[0] = NaN;
      action[2] = null;
      (columns['observation.state'][2] as number[])[2] = Infinity;
      timestamp[1] = 0.05;
      // Of the row group that both episodes have a part of.
      (action[4] as number[])[1] = NaN;
      frame_index[8] = 3n;
      (action[9] as number[])[1] = NaN;
    });
    const dataset = await openFiles(files);
    const faults: string[] = [];
    let good = 0;
    for (const { from, to } of dataset.episodes) {
      for await (const part of dataset.check('action', from, to)) {
        good += part.good;
        faults.push(...part.faults);
      }
    }
    expect(faults.map((fault) => fault.replace(/^.*?, (episode .*?)\. .*$/, '$1'))).toEqual([
      'episode 0, frame 1: expected "timestamp" to be 0.100000 s later, at 10 frames per second, found 0.0500000 s',
      'episode 0, frame 2: expected 2 numbers of "action", found nothing',
      'episode 0, frame 0: expected finite numbers, found NaN in dimension 0 of "action"',
      'episode 1, frame 0: expected finite numbers, found NaN in dimension 1 of "action"',
      'episode 1, frame 4: expected "frame_index" 4, found 3',
      'episode 1, frame 5: expected finite numbers, found NaN in dimension 1 of "action"',
    ]);
    expect(good).toBe(ROWS - 6);
    await dataset.close();
  });

  it('of a block are counted behind the first of them, which are named', async () => {
    const rows = 1000;
    const files = arrayFiles([rows, 30]);
    const state = new Float32Array((files['state.f32'] as Uint8Array).slice().buffer);
    for (let row = 100; row < rows; row++) state[row * 3] = NaN;
    state[(rows + 2) * 3] = Infinity;
    files['state.f32'] = bytesOf(state);
    const dataset = await openFiles(files, { fps: 10, statistics: 'none' });
    const of = async (episode: number): Promise<{ good: number; faults: readonly string[] }> => {
      const { from, to } = dataset.episodes[episode] as { from: number; to: number };
      const parts: CheckedRows[] = [];
      for await (const part of dataset.check('state', from, to)) parts.push(part);
      return { good: parts.reduce((sum, { good }) => sum + good, 0), faults: parts.flatMap(({ faults }) => faults) };
    };
    const { good, faults } = await of(0);
    expect(good).toBe(100);
    expect(faults).toHaveLength(21);
    expect(faults[20]).toBe('state.f32, episode 0, frame 120: this frame and 879 more behind it are damaged, beside those that are named');
    expect(await of(1)).toEqual({ good: 29, faults: [expect.stringContaining('episode 1, frame 2: this frame is damaged')] });
    await dataset.close();
  });

  it('hide no pictures beside them', async () => {
    const files = await withPictures((pictures, timestamp) => {
      pictures[1] = null;
      timestamp[2] = 0.25;
      pictures[3] = { bytes: new Uint8Array([1, 2, 3]), path: null };
    });
    const dataset = await openFiles(files);
    const parts: CheckedRows[] = [];
    for await (const part of dataset.check(CAMERA, 0, 4)) parts.push(part);
    const faults = parts.flatMap((part) => part.faults);
    for (const frame of [1, 2, 3]) expect(faults.filter((fault) => fault.includes(`episode 0, frame ${frame}`))).toHaveLength(1);
    expect(parts.reduce((sum, { good }) => sum + good, 0)).toBe(1);
    await dataset.close();
  });

  it('of which there are fewer, or more, than the metadata say', async () => {
    const files = await withColumns((columns) => Object.values(columns).forEach((column) => column.pop()));
    await expect(read(files)).rejects.toThrow(`${DATA}: expected 10 frames of episodes 0 to 1, as the metadata say, found 9`);
  });

  it('are not held against times where the caller allows it', async () => {
    const files = await withColumns(({ timestamp }) => (timestamp[2] = 0.25));
    await expect(read(files)).rejects.toThrow('timestamp');
    const dataset = await openFiles(files, { timestampTolerance: 0.06 });
    expect(await dataset.readRows('action', 0, 10)).toEqual(rowsOf(ROWS, 2, 1));
  });
});

describe('a parquet file', () => {
  it.each([0, 3, 12, 100, 600, -9, -1])('that ends after %s bytes is an error with its name', async (length) => {
    const files = await leRobotFiles(LENGTHS);
    files[DATA] = (files[DATA] as Uint8Array).slice(0, length);
    await expect(read(files)).rejects.toThrow(/episodes 0 to 1: data\/chunk-000\/file-000\.parquet.*copy or download it again/);
  });

  it('whose pages are damaged names the episode', async () => {
    const files = await leRobotFiles(LENGTHS);
    const bytes = (files[DATA] as Uint8Array).slice();
    // Behind the magic number lies the first page.
    bytes.fill(0xff, 4, 40);
    await expect(openFiles({ ...files, [DATA]: bytes }).then((dataset) => dataset.readRows('observation.state', 0, 4))).rejects.toThrow(
      /episode 0, from frame 0: data\/chunk-000\/file-000\.parquet: expected a parquet file/,
    );
  });

  it('of metadata that is damaged or missing keeps the data set closed', async () => {
    const files = await leRobotFiles(LENGTHS);
    const path = 'meta/episodes/chunk-000/file-000.parquet';
    await expect(openFiles({ ...files, [path]: (files[path] as Uint8Array).slice(0, 500) })).rejects.toThrow(path);
    const { [path]: _, ...others } = files;
    await expect(openFiles(others)).rejects.toThrow('expected files "meta/episodes/chunk-000/file-000.parquet" and so on, found none');
  });
});

describe('a folder that is no data set', () => {
  it('is refused by what it holds', async () => {
    await expect(openFiles({ 'config.json': '{}' })).rejects.toThrow('found "config.json". Give the folder that holds them');
    await expect(openFiles({})).rejects.toThrow('found nothing');
  });
});
