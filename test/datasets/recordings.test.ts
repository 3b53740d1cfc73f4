import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { encodeSafetensors, type WritableTensor } from '../../src/checkpoints/safetensors/safetensors.js';
import { openDataset } from '../../src/platform/node/open-dataset.js';
import { arrayFiles, openFiles, rowsOf } from '../support/datasets.js';

const RECORDED = fileURLToPath(new URL('../../checkpoints/pusht-state/recorded-episode.safetensors', import.meta.url));

function tensor(name: string, shape: readonly number[], data: Float32Array | Uint8Array): WritableTensor {
  return { name, dtype: data instanceof Uint8Array ? 'U8' : 'F32', shape, data } as never;
}

function recording(ticks: number, extra: readonly WritableTensor[] = [], metadata?: Record<string, string>): Uint8Array {
  const tensors = [
    tensor('observation.state', [ticks, 3], rowsOf(ticks, 3, 0)),
    tensor('action', [ticks, 2], rowsOf(ticks, 2, 1)),
    ...extra,
  ];
  return encodeSafetensors(tensors, metadata);
}

describe('recordings', () => {
  it('are an episode each, in the order of their names', async () => {
    const dataset = await openFiles({ 'b.safetensors': recording(4), 'a.safetensors': recording(6), 'notes.txt': '' }, { fps: 20 });
    expect([dataset.format, dataset.fps, dataset.frames]).toEqual(['recordings', 20, 10]);
    expect(dataset.episodes.map(({ from, to }) => [from, to])).toEqual([
      [0, 6],
      [6, 10],
    ]);
    expect([...(await dataset.readRows('action', 4, 8))]).toEqual([...rowsOf(6, 2, 1).slice(8), ...rowsOf(2, 2, 1)]);
    expect(dataset.statistics.get('action')?.count).toBe(10);
  });

  it('are what `warmstep run` reads: one file of observations, by the names that it has there', async () => {
    const dataset = await openDataset(RECORDED, { fps: 10 });
    expect(dataset.features.map(({ name, size }) => [name, size])).toEqual([
      ['observation.state', 2],
      ['observation.environment_state', 16],
    ]);
    expect(dataset.frames).toBe(192);
    expect((await dataset.readRows('observation.environment_state', 100, 102)).length).toBe(32);
    await dataset.close();
  });

  it('may have pictures, as rows of pixels or as planes', async () => {
    const pixels = Uint8Array.from({ length: 4 * 8 * 9 * 3 }, (_, i) => i % 251);
    const planes = Uint8Array.from(pixels, (_, i) => {
      const [row, rest] = [Math.floor(i / 216), i % 216];
      return pixels[row * 216 + (rest % 72) * 3 + Math.floor(rest / 72)] as number;
    });
    const extra = [tensor('observation.images.top', [4, 8, 9, 3], pixels), tensor('observation.images.side', [4, 3, 8, 9], planes)];
    const dataset = await openFiles({ 'a.safetensors': recording(4, extra) }, { fps: 20 });
    for (const name of ['observation.images.top', 'observation.images.side']) {
      const picture = await dataset.readPicture(name, 2);
      expect([picture.height, picture.width]).toEqual([8, 9]);
      expect([...picture.data]).toEqual([...pixels.slice(2 * 216, 3 * 216)]);
    }
  });

  it('that miss a tensor miss a feature', async () => {
    const extra = [tensor('next.reward', [4], rowsOf(4, 1, 2))];
    const dataset = await openFiles({ 'a.safetensors': recording(6), 'b.safetensors': recording(4, extra) }, { fps: 20 });
    expect(dataset.episodes.map(({ missing }) => missing)).toEqual([
      [{ feature: 'next.reward', file: 'a.safetensors: tensor "next.reward"' }],
      [],
    ]);
    await expect(dataset.readRows('next.reward', 0, 1)).rejects.toThrow('episode 0 has no "next.reward"');
    expect([...(await dataset.readRows('next.reward', 8, 10))]).toEqual([2002, 2003]);
  });

  it.each<[string, Record<string, Uint8Array>, string]>([
    [
      'of tensors of other lengths',
      { 'a.safetensors': recording(6, [tensor('next.reward', [5], rowsOf(5, 1, 2))]) },
      'tensor "next.reward": expected 6 rows',
    ],
    [
      'that disagree',
      { 'a.safetensors': recording(6), 'b.safetensors': encodeSafetensors([tensor('action', [2, 3], rowsOf(2, 3, 1))]) },
      'b.safetensors, tensor "action": expected rows of shape [2], as in a.safetensors, found [3]',
    ],
    ['that are cut off', { 'a.safetensors': recording(6).slice(0, -4) }, 'a.safetensors'],
    [
      'with NaN',
      { 'a.safetensors': encodeSafetensors([tensor('action', [2, 1], Float32Array.of(1, NaN))]) },
      'a.safetensors, episode 0, frame 1: expected finite numbers, found NaN',
    ],
  ])('%s are refused', async (_, files, message) => {
    await expect(openFiles(files, { fps: 20 })).rejects.toThrow(message);
  });

  it('need a rate, the same in all', async () => {
    const at = (fps?: string): Uint8Array => recording(6, [], fps === undefined ? undefined : { fps });
    expect((await openFiles({ 'a.safetensors': at('20'), 'b.safetensors': at('20.0') })).fps).toBe(20);
    const refused = (files: Record<string, Uint8Array>, message: string): Promise<void> =>
      expect(openFiles(files)).rejects.toThrow(`${message}. Record it, or give fps (--fps).`);
    const expected = 'expected the metadata "fps", the same in all recordings, found';
    await refused({ 'a.safetensors': at(), 'b.safetensors': at() }, `a.safetensors: ${expected} none`);
    await refused({ 'a.safetensors': at('20'), 'b.safetensors': at() }, `b.safetensors: ${expected} none`);
    await refused({ 'a.safetensors': at('20'), 'b.safetensors': at('30') }, `b.safetensors: ${expected} "30"`);
    for (const fps of ['', 'fast', '0', '100000']) await refused({ 'a.safetensors': at(fps) }, `a.safetensors: ${expected} "${fps}"`);
  });
});

describe('arrays', () => {
  it('that belong to other episodes, or are cut off, are refused', async () => {
    const files = arrayFiles([4, 5]);
    const open = (change: object): Promise<unknown> => openFiles({ ...files, ...change }, { fps: 10 });
    await expect(open({ 'state.f32': (files['state.f32'] as Uint8Array).slice(4) })).rejects.toThrow(
      'state.f32: expected 9 rows of as many float32 each',
    );
    await expect(open({ 'episode_ends.i32': new Uint8Array(3) })).rejects.toThrow('expected 32-bit integers');
    await expect(open({ 'episode_ends.i32': Uint8Array.of(9, 0, 0, 0, 4, 0, 0, 0) })).rejects.toThrow('episode 0 must end after row 0');
  });
});
