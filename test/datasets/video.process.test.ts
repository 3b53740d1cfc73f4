import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { openDataset as openSource } from '../../src/datasets/open-dataset.js';
import type { VideoRange } from '../../src/datasets/pictures/codecs.js';
import { datasetFolder } from '../../src/platform/node/dataset-folder.js';
import { ffmpegCodecs, ffmpegVersion } from '../../src/platform/node/ffmpeg.js';
import {
  CAMERA,
  changedVideo,
  encode,
  expectGreys,
  folderV21,
  folderWithVideos,
  greys,
  HEIGHT,
  opened,
  removeVideoFolders,
  videoOf,
  WIDTH,
} from '../support/videos.js';

const version = await ffmpegVersion();
if (version === undefined) console.info('left out: videos. There is no ffmpeg; .ci/install-ffmpeg installs it.');

let folder = '';
beforeAll(async () => {
  if (version !== undefined) folder = await folderWithVideos();
});
afterAll(removeVideoFolders);

/** A sample; video.long.test.ts has the rest. */
describe.skipIf(version === undefined)('pictures of a video', () => {
  it('are its frames, as a stream and one by one, wherever one begins', async () => {
    const dataset = await opened(folder);
    const all = await greys(dataset, 0, 25);
    expect(all.length).toBe(25);
    expectGreys(all.slice(0, 14), 0);
    expectGreys(all.slice(14), 0);
    for (const row of [0, 3, 4, 5, 13, 14, 17, 24]) {
      const { data } = await dataset.readPicture(CAMERA, row);
      expect(data[3 * (WIDTH * 20 + 30)]).toBe(all[row]);
    }
    expect(await greys(dataset, 6, 9)).toEqual(all.slice(6, 9));
    expect(await greys(dataset, 12, 18)).toEqual(all.slice(12, 18));
  });

  it('end with the loop that reads them, and so does ffmpeg', async () => {
    const dataset = await opened(folder);
    for await (const _ of dataset.readPictures(CAMERA, 0, 14)) break;
    const running = (): boolean => process.getActiveResourcesInfo().includes('ProcessWrap');
    for (let tries = 0; tries < 100 && running(); tries++) await new Promise((resolve) => setTimeout(resolve, 50));
    expect(running()).toBe(false);
  });

  it.each<[string, (path: string) => void | Promise<void>, RegExp]>([
    [
      'that is cut off',
      (path) => writeFileSync(path, readFileSync(path).subarray(0, 700)),
      /episode_000001\.mp4, episode 1, frame 0: ffmpeg says: /,
    ],
    [
      'at another rate',
      (path) => encode(path, 11, 15),
      /episode 1, frame 1: expected a frame at its time at 10 frames per second, found one 0\.33 frames earlier/,
    ],
  ])('%s are an error that names episode and frame', async (_, change, message) => {
    const dataset = await changedVideo(folder, change);
    await expect(greys(dataset, 14, 25)).rejects.toThrow(message);
    expect((await greys(dataset, 0, 14)).length).toBe(14);
  });
});

describe('without ffmpeg', () => {
  it('vectors are served, and a picture says what to install', async () => {
    const place = await folderV21();
    for (const episode of [0, 1]) writeFileSync(videoOf(place, episode), '');
    const { folder: path, source } = await datasetFolder(place);
    const dataset = await openSource(source, { codecs: ffmpegCodecs(path, 'no-such-program') });
    onTestFinished(() => dataset.close());
    expect((await dataset.readRows('action', 0, 3)).length).toBe(6);
    await expect(dataset.readPicture(CAMERA, 3)).rejects.toThrow(
      'expected the program "no-such-program" for videos and JPEG pictures, found none. Install ffmpeg',
    );
    expect(await ffmpegVersion('no-such-program')).toBeUndefined();
  });

  it('a check goes on behind frames that are damaged, and leaves a video that no more comes of', async () => {
    const place = await folderV21();
    for (const episode of [0, 1]) writeFileSync(videoOf(place, episode), '');
    const { source } = await datasetFolder(place);
    let begun = 0;
    /** Damaged at 3, 6, 7 and 12 of the first episode; the second ends behind its frame 4. */
    async function* video({ file, first, count }: VideoRange): AsyncGenerator<Uint8Array> {
      begun++;
      for (let frame = first; frame < first + count; frame++) {
        if (file.includes('000000') && [3, 6, 7, 12].includes(frame)) throw new Error('no picture');
        if (file.includes('000001') && frame > 4) return;
        yield new Uint8Array(HEIGHT * WIDTH * 3);
      }
    }
    const dataset = await openSource(source, { codecs: { video } });
    onTestFinished(() => dataset.close());
    const found: { good: number; faults: readonly string[] }[] = [];
    for (const { from, to } of dataset.episodes) for await (const part of dataset.check(CAMERA, from, to)) found.push(part);
    expect(found.flatMap(({ faults }) => faults.map((fault) => /episode \d, frame \d+: \w+ \w+ ?\w*/.exec(fault)?.[0]))).toEqual([
      'episode 0, frame 3: no picture',
      'episode 0, frame 6: no picture',
      'episode 0, frame 7: no picture',
      'episode 0, frame 12: no picture',
      'episode 1, frame 5: expected a frame',
      'episode 1, frame 6: expected a frame',
      'episode 1, frame 7: expected a frame',
      'episode 1, frame 8: expected a frame',
      'episode 1, frame 9: this frame and',
    ]);
    expect(found.reduce((sum, { good }) => sum + good, 0)).toBe(14 - 4 + 5);
    expect(begun).toBe(9);
    const whole: typeof found = [];
    for await (const part of dataset.check(CAMERA, 0, dataset.frames)) whole.push(part);
    expect(whole).toEqual(found);
  });

  it('a check says of a video that is not there which one to download', async () => {
    const place = await folderV21();
    writeFileSync(videoOf(place, 1), '');
    const { source } = await datasetFolder(place);
    const dataset = await openSource(source, { codecs: {} });
    onTestFinished(() => dataset.close());
    const found: (readonly string[])[] = [];
    for await (const { faults } of dataset.check(CAMERA, 0, 14)) found.push(faults);
    expect(found).toEqual([[expect.stringMatching(/episode 0 has no ".*", because .* is not there\. Download it/)]]);
  });
});
