import { describe, expect, it } from 'vitest';
import { writeLeRobotDataset } from '../../src/datasets/write/write-lerobot.js';
import { type DatasetFileMap, MemorySink, openFiles, rowsOf } from '../support/datasets.js';
import { type ArrayOptions, PIXELS, pictures, pixel, replayBuffer, SIDE, type Values, zarrArray } from '../support/zarr.js';

describe('a replay buffer in zarr', () => {
  it.each<[string, Partial<ArrayOptions>]>([
    ['blosc', {}],
    ['zlib', { compressor: 'zlib' }],
    ['no compression, folders', { compressor: null, separator: '/' }],
    ['Fortran order, one chunk', { order: 'F', chunks: [11, 2] }],
  ])('is read with %s', async (_, options) => {
    const dataset = await openFiles(await replayBuffer(options), { fps: 10 });
    expect([dataset.format, dataset.frames]).toEqual(['zarr', 11]);
    expect(dataset.episodes.map(({ from, to }) => [from, to])).toEqual([
      [0, 4],
      [4, 11],
    ]);
    expect(dataset.features.map(({ name, kind, shape }) => [name, kind, shape])).toEqual([
      ['action', 'vector', [2]],
      ['img', 'image', [SIDE, SIDE, 3]],
      ['state', 'vector', [3]],
    ]);
    expect(await dataset.readRows('state', 0, 11)).toEqual(rowsOf(11, 3, 0));
    expect(await dataset.readRows('action', 3, 9)).toEqual(rowsOf(11, 2, 1).subarray(6, 18));
    for (const row of [0, 2, 3, 10]) {
      const { data, height, width } = await dataset.readPicture('img', row);
      expect([height, width, [...data]]).toEqual([SIDE, SIDE, Array.from({ length: PIXELS }, (__, i) => pixel(row, i))]);
    }
  });

  it.each<[string, Values]>([
    ['bytes', pictures(Uint8Array)],
    ['from 0 to 1', pictures(Float32Array, 1 / 255)],
  ])('may have pictures as %s', async (_, values) => {
    const dataset = await openFiles(await replayBuffer({}, values), { fps: 10 });
    expect([...(await dataset.readPicture('img', 7)).data.slice(0, 5)]).toEqual([0, 1, 2, 3, 4].map((i) => pixel(7, i)));
  });

  it('becomes a LeRobot data set with PNG pictures', async () => {
    const dataset = await openFiles(await replayBuffer(), { fps: 10 });
    const sink = new MemorySink();
    await writeLeRobotDataset(dataset, sink, {
      features: [
        { name: 'observation.state', from: 'state', first: 0, count: 2 },
        { name: 'observation.image', from: 'img' },
        { name: 'action', from: 'action' },
      ],
    });
    const again = await openFiles(sink.files);
    expect(again.features[1]).toMatchObject({ name: 'observation.image', kind: 'image', shape: [SIDE, SIDE, 3] });
    for (let row = 0; row < 11; row++)
      expect(await again.readPicture('observation.image', row)).toEqual(await dataset.readPicture('img', row));
    const seen: number[] = [];
    for await (const { data } of again.readPictures('observation.image', 2, 9)) seen.push(data[0] as number);
    expect(seen).toEqual([2, 3, 4, 5, 6, 7, 8].map((row) => pixel(row, 0)));
    const { min, max, mean, count } = again.statistics.get('observation.image')!;
    expect([[...min], [...max], count]).toEqual([[0, 0, 0], [1, 1, 1], 11]);
    const reds = Array.from({ length: 11 * SIDE * SIDE }, (_, i) => pixel(Math.floor(i / 100), (i % 100) * 3) / 255);
    expect(mean[0]).toBeCloseTo(reds.reduce((sum, value) => sum + value, 0) / reds.length, 12);
  });
});

describe('a replay buffer that is damaged', () => {
  const read = async (change: (files: DatasetFileMap) => unknown, feature = 'state'): Promise<unknown> => {
    const files = await replayBuffer();
    await change(files);
    const dataset = await openFiles(files, { fps: 10 });
    return feature === 'img' ? dataset.readPicture('img', 10) : dataset.readRows(feature, 0, 11);
  };

  it.each<[string, (files: DatasetFileMap) => unknown, string, string?]>([
    [
      'without a chunk',
      (files) => delete files['data/img/3.0.0.0'],
      'data/img, chunk 3, episode 1, from frame 5: cannot read "img": "data/img/3.0.0.0" is not there',
      'img',
    ],
    [
      'with half a chunk',
      (files) => (files['data/img/3.0.0.0'] = (files['data/img/3.0.0.0'] as Uint8Array).slice(0, 50)),
      'data/img, chunk 3, episode 1, from frame 5',
      'img',
    ],
    ['without a chunk of numbers', (files) => delete files['data/state/2.0'], 'data/state, chunk 2, episode 1, from frame 4'],
    ['without metadata', (files) => (files['data/state/.zarray'] = '{"zarr_format": 2'), 'data/state/.zarray'],
    [
      'of other episodes',
      async (files) => Object.assign(files, await zarrArray('meta/episode_ends', BigInt64Array.of(4n, 12n), [2], { chunks: [2] })),
      'data/action: expected 12 rows',
    ],
    [
      'of episodes that end before they begin',
      async (files) => Object.assign(files, await zarrArray('meta/episode_ends', BigInt64Array.of(11n, 11n), [2], { chunks: [2] })),
      'episode 1 must end after row 11',
    ],
    ['of another codec', (files) => (files['data/state/.zarray'] = String(files['data/state/.zarray']).replace('blosc', 'snap')), 'snap'],
    [
      'with pixels of another range',
      async (files) =>
        Object.assign(files, await zarrArray('data/img', pictures(Float32Array, 2), [11, SIDE, SIDE, 3], { chunks: [3, SIDE, SIDE, 3] })),
      'expected pixels from 0 to 255',
      'img',
    ],
    [
      'not a number',
      async (files) => Object.assign(files, await zarrArray('data/state', rowsOf(11, 3, 0).fill(NaN, 15, 16), [11, 3], { chunks: [4, 3] })),
      'data/state, chunk 1, episode 1, frame 1: expected finite numbers, found NaN in dimension 0',
    ],
  ])('%s is an error that says where', async (_, change, message, feature) => {
    await expect(read(change, feature)).rejects.toThrow(message);
  });

  it('needs a rate', async () => {
    await expect(openFiles(await replayBuffer())).rejects.toThrow('does not say how many frames a second has. Give fps');
  });
});
