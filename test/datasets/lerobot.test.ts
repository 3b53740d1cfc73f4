import { describe, expect, it, onTestFinished } from 'vitest';
import type { Dataset } from '../../src/datasets/dataset.js';
import { anchors } from '../../src/datasets/windows.js';
import { openDataset } from '../../src/platform/node/open-dataset.js';
import { dataFolder } from '../support/data.js';
import { changedJson, type DatasetFileMap, leRobotFiles, MemorySink, openFiles, valueAt } from '../support/datasets.js';

const so101 = dataFolder('lerobot/so101-record-test-v3.0', 'a real data set in v3.0 without its videos');
const g1 = dataFolder('lerobot/g1-pick-bottle-v2.1', 'a real data set in v2.1, two episodes of 100');

async function opened(folder: string | undefined): Promise<Dataset> {
  const dataset = await openDataset(folder as string);
  onTestFinished(() => dataset.close());
  return dataset;
}

describe('a real data set in v3.0, whose videos are missing', () => {
  it.skipIf(!so101)('is served as far as it is there', async () => {
    const dataset = await opened(so101);
    expect([dataset.format, dataset.fps, dataset.robot, dataset.frames]).toEqual(['lerobot-v3.0', 30, 'so101_follower', 1492]);
    expect(dataset.features.map(({ name, kind, shape }) => [name, kind, shape])).toEqual([
      ['action', 'vector', [6]],
      ['observation.state', 'vector', [6]],
      ['observation.images.front', 'video', [480, 640, 3]],
      ['observation.images.top', 'video', [480, 640, 3]],
    ]);
    expect(dataset.features[0]?.names?.at(-1)).toBe('gripper.pos');
    expect(dataset.missing).toEqual(['front', 'top'].map((camera) => `videos/observation.images.${camera}/chunk-000/file-000.mp4`));
    expect(dataset.episodes.map(({ to, tasks }) => [to, tasks])).toEqual(
      [373, 747, 1119, 1492].map((to) => [to, ['Pick the orange cube and place it in the box']]),
    );
    const [state] = [await dataset.readRows('observation.state', 0, 1)];
    expect([...state].map((value) => value.toFixed(4))).toEqual(['-17.8501', '-71.3417', '68.0726', '34.9366', '-56.3494', '4.0431']);
    expect(anchors(dataset, { features: ['action', 'observation.state'], dropLastFrames: 7 }).length).toBe(1492 - 28);
    expect(anchors(dataset).length).toBe(0);
    expect(dataset.statistics.get('action')?.count).toBe(1492);
    expect(dataset.statistics.get('observation.images.top')?.mean[0]).toBeCloseTo(0.6021989, 6);
  });

  it.skipIf(!so101)('says which file is missing where a picture is asked for', async () => {
    const dataset = await opened(so101);
    await expect(dataset.readPicture('observation.images.top', 400)).rejects.toThrow(
      'episode 1 has no "observation.images.top", because videos/observation.images.top/chunk-000/file-000.mp4 is not there. Download it',
    );
  });
});

describe('a real data set in v2.1, of which little was downloaded', () => {
  it.skipIf(!g1)('is served as far as it is there', async () => {
    const dataset = await opened(g1);
    expect([dataset.format, dataset.fps, dataset.robot, dataset.frames]).toEqual(['lerobot-v2.1', 30, 'Unitree_G1_Inspire', 35_965]);
    expect(dataset.missing.length).toBe(98 + 99);
    expect(dataset.features[0]?.names?.[3]).toBe('kLeftElbow');
    const used = dataset.episodes.filter(({ missing }) => missing.length < 3);
    expect(used.map(({ index, from, missing }) => [index, from, missing.map(({ feature }) => feature)])).toEqual([
      [29, 10_640, []],
      [30, 10_861, ['observation.images.cam_high']],
    ]);
    const rows = await dataset.readRows('observation.state', 10_640, 10_641);
    expect([...rows.slice(0, 4)].map((value) => value.toFixed(5))).toEqual(['-0.77942', '0.42963', '-0.56056', '1.22570']);
    expect(anchors(dataset, { features: ['action', 'observation.state'] }).length).toBe((used[1]?.to as number) - 10_640);
    await expect(dataset.readRows('action', 0, 1)).rejects.toThrow(
      'episode 0 has no "action", because data/chunk-000/episode_000000.parquet is not there',
    );
  });

  it.skipIf(!g1)('has the statistics of all its episodes, aggregated as LeRobot does', async () => {
    const { readFileSync } = await import('node:fs');
    const dataset = await opened(g1);
    const lines = readFileSync(`${g1}/meta/episodes_stats.jsonl`, 'utf8').trim().split('\n');
    const parts = lines.map(
      (line) => (JSON.parse(line) as { stats: { action: Record<'mean' | 'std' | 'min' | 'count', number[]> } }).stats.action,
    );
    const frames = parts.reduce((sum, { count }) => sum + (count[0] as number), 0);
    // aggregate_feature_stats of lerobot/datasets/compute_stats.py, dimension 5.
    const mean = parts.reduce((sum, part) => sum + (part.mean[5] as number) * (part.count[0] as number), 0) / frames;
    const variance =
      parts.reduce(
        (sum, part) => sum + ((part.std[5] as number) ** 2 + ((part.mean[5] as number) - mean) ** 2) * (part.count[0] as number),
        0,
      ) / frames;
    const found = dataset.statistics.get('action')!;
    expect(found.count).toBe(frames);
    expect(found.mean[5]).toBeCloseTo(mean, 12);
    expect(found.std[5]).toBeCloseTo(Math.sqrt(variance), 12);
    expect(found.min[5]).toBe(Math.min(...parts.map(({ min }) => min[5] as number)));
    expect(dataset.statistics.get('observation.images.cam_high')?.mean.length).toBe(3);
  });
});

/** A data set in v2.1 made of one in v3.0: a file per episode, and lists of lines. */
async function v21Files(lengths: readonly number[]): Promise<DatasetFileMap> {
  const sink = new MemorySink();
  const v3 = await leRobotFiles(lengths, { fileBytes: 1 });
  const info = JSON.parse(v3['meta/info.json'] as string) as Record<string, unknown>;
  Object.assign(info, { codebase_version: 'v2.1', data_path: 'data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet' });
  sink.files['meta/info.json'] = JSON.stringify(info);
  sink.files['meta/episodes.jsonl'] = lengths
    .map((length, i) => JSON.stringify({ episode_index: i, tasks: [`task ${i}`], length }))
    .join('\n');
  lengths.forEach((_, i) => {
    sink.files[`data/chunk-000/episode_00000${i}.parquet`] = v3[`data/chunk-000/file-00${i}.parquet`] as Uint8Array;
  });
  return sink.files;
}

describe('LeRobot’s v2.1', () => {
  it('is a file per episode; statistics that are not there are computed', async () => {
    const dataset = await openFiles(await v21Files([4, 6, 3]));
    expect(dataset.episodes.map(({ to, tasks }) => [to, tasks])).toEqual([
      [4, ['task 0']],
      [10, ['task 1']],
      [13, ['task 2']],
    ]);
    expect([...(await dataset.readRows('action', 9, 11))]).toEqual([9, 10].flatMap((row) => [valueAt(row, 0, 1), valueAt(row, 1, 1)]));
    expect(dataset.statisticsComputed).toBe(true);
    expect([...dataset.statistics.get('action')!.max]).toEqual([valueAt(12, 0, 1), valueAt(12, 1, 1)]);
  });

  it('says what is wrong with a list of episodes', async () => {
    const files = await v21Files([4, 6]);
    const open = (lines: string): Promise<unknown> => openFiles({ ...files, 'meta/episodes.jsonl': lines });
    await expect(open('{"episode_index": 1, "length": 4}')).rejects.toThrow('meta/episodes.jsonl, line 1: expected episode 0, found 1');
    await expect(open('{"episode_index": 0, "length": 4}\n{"episode_index": 1, "length": 0}')).rejects.toThrow('line 2: "length" must be');
    await expect(open('{"episode_index": 0, "length": 4}\n\n{"episode_index"')).rejects.toThrow('line 3');
    await expect(open('{"episode_index": 0, "length": 4}')).rejects.toThrow(
      'expected 2 episodes of 10 frames in all, as it says, found 1 of 4',
    );
  });
});

describe('meta/info.json', () => {
  it.each<[string, (info: Record<string, never>) => unknown, string]>([
    ['of another version', (info) => Object.assign(info, { codebase_version: 'v1.6' }), '"codebase_version" "v1.6" is not read'],
    ['without a rate', (info) => Object.assign(info, { fps: 0 }), '"fps" must be a number above 0'],
    ['with a path out of the data set', (info) => Object.assign(info, { data_path: '../{chunk_index:03d}' }), 'leads out of the data set'],
    ['with a path of other fields', (info) => Object.assign(info, { data_path: 'data/{robot}' }), 'has a field "robot"'],
    ['of more episodes', (info) => Object.assign(info, { total_episodes: 9 }), 'expected 9 episodes of 10 frames'],
    ['of fewer episodes', (info) => Object.assign(info, { total_episodes: 1 }), 'expected the 1 episodes of meta/info.json, found more'],
    [
      'with a shape that is none',
      (info) => Object.assign(info['features']!['action'], { shape: [-1] }),
      'feature "action": "shape" must be',
    ],
    ['with a feature of another size', (info) => Object.assign(info['features']!['action'], { shape: [3] }), '"action"'],
  ])('%s is refused', async (_, change, message) => {
    const files = changedJson(await leRobotFiles([4, 6]), 'meta/info.json', (info) => change(info));
    await expect(openFiles(files).then((dataset) => dataset.readRows('action', 0, 10))).rejects.toThrow(message);
  });

  it('may have features that are no numbers, which are left out', async () => {
    const files = changedJson(await leRobotFiles([4, 6]), 'meta/info.json', (info: { features: object }) => {
      Object.assign(info.features, { language: { dtype: 'string', shape: [1], names: null } });
    });
    const { features, warnings } = await openFiles(files);
    expect(features.map(({ name }) => name)).not.toContain('language');
    expect(warnings).toEqual([expect.stringContaining('"language"')]);
  });

  it('and fps that were asked for agree', async () => {
    const files = await leRobotFiles([4, 6]);
    expect((await openFiles(files, { fps: 10 })).fps).toBe(10);
    await expect(openFiles(files, { fps: 30 })).rejects.toThrow('"fps" is 10, but 30 were asked for');
  });
});

describe('meta/stats.json', () => {
  it.each<[string, (stats: Record<string, Record<string, unknown>>) => unknown, string]>([
    ['of another size', (stats) => Object.assign(stats['action']!, { min: [1] }), '"min" must be 2 finite numbers, found 1'],
    [
      'that is not finite',
      (stats) => Object.assign(stats['action']!, { mean: [1, null] }),
      '"mean" must be 2 finite numbers, found null at index 1',
    ],
    ['that is negative', (stats) => Object.assign(stats['action']!, { std: [1, -1] }), '"std" must not be negative, found -1'],
  ])('%s is refused', async (_, change, message) => {
    const files = changedJson(await leRobotFiles([4, 6]), 'meta/stats.json', (stats) => change(stats));
    await expect(openFiles(files)).rejects.toThrow(`meta/stats.json, "action": ${message}`);
  });
});
