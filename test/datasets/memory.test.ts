import { describe, expect, it } from 'vitest';
import { memorySource } from '../../src/checkpoints/source.js';
import { DatasetFiles } from '../../src/datasets/files.js';
import { openLeRobot } from '../../src/datasets/lerobot/open-lerobot.js';
import { BlockCache } from '../../src/datasets/store/block-cache.js';
import { readWindows } from '../../src/datasets/window-batch.js';
import { anchors, order } from '../../src/datasets/windows.js';
import { leRobotFiles, openFiles, rowsOf } from '../support/datasets.js';

describe('the cache', () => {
  it('keeps what was used last, within its bytes, and reads once what is asked for twice at once', async () => {
    const cache = new BlockCache<string>(100);
    const read = (key: string, bytes = 40): Promise<string> | string => cache.get(key, async () => ({ value: key, bytes }));
    await Promise.all([read('a'), read('a'), read('b')]);
    expect([cache.reads, cache.bytes]).toEqual([2, 80]);
    await read('a');
    await read('c');
    expect([cache.reads, cache.bytes]).toEqual([3, 80]);
    expect(read('a')).toBe('a');
    await read('b');
    expect(cache.reads).toBe(4);
    expect(await read('larger than the cache', 1000)).toBe('larger than the cache');
    expect(cache.bytes).toBeLessThanOrEqual(100);
    await expect(cache.get('d', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await read('d')).toBe('d');
  });
});

describe('a data set larger than the cache', () => {
  it('is read through it, in the bytes that it may take, and right', async () => {
    const lengths = Array.from({ length: 40 }, (_, i) => 20 + (i % 7));
    const files = await leRobotFiles(lengths, { fileBytes: 4000 });
    const most = 2000;
    const dataset = await openLeRobot(await DatasetFiles.list(memorySource('many', files)), {
      codecs: {},
      cacheBytes: most,
      tolerance: 1e-4,
    });
    const rows = anchors(dataset);
    const expected = rowsOf(dataset.frames, 2, 1);
    expect(dataset.frames * 8).toBeGreaterThan(3 * most);
    const spec = { horizon: 4, observationSteps: 2, observations: ['observation.state'] };
    for (const at of order(rows.length, 1, 0).slice(0, 120)) {
      const { actions } = await readWindows(dataset, { ...spec, horizon: 1, observationSteps: 1 }, [rows[at] as number]);
      expect(actions).toEqual(expected.slice(at * 2, at * 2 + 2));
      expect(dataset.cache.bytes).toBeLessThanOrEqual(most);
    }
    // A batch reads every block that it touches once, in the order of rows.
    const before = dataset.cache.reads;
    await readWindows(dataset, spec, order(rows.length, 1, 1).slice(0, 200));
    expect(dataset.cache.reads - before).toBeLessThanOrEqual(2 * lengths.length);
  });

  it('of which nothing is kept is read all the same', async () => {
    const dataset = await openFiles(await leRobotFiles([5, 6]), { cacheBytes: 0 });
    expect(await dataset.readRows('action', 2, 9)).toEqual(rowsOf(11, 2, 1).slice(4, 18));
  });
});
