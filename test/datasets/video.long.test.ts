import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { ffmpegCodecs, ffmpegVersion } from '../../src/platform/node/ffmpeg.js';
import { openDataset } from '../../src/platform/node/open-dataset.js';
import { dataFolder } from '../support/data.js';
import { changedVideo, encode, FPS, folderWithVideos, greys, HEIGHT, removeVideoFolders, WIDTH } from '../support/videos.js';

const version = await ffmpegVersion();
if (version === undefined) console.info('left out: videos. There is no ffmpeg; .ci/install-ffmpeg installs it.');
const g1 = dataFolder('lerobot/g1-pick-bottle-v2.1', 'a real video, AV1');

let folder = '';
beforeAll(async () => {
  if (version !== undefined) folder = await folderWithVideos();
});
afterAll(removeVideoFolders);

describe.skipIf(version === undefined)('pictures of a video', () => {
  it.each<[string, (path: string) => void | Promise<void>, RegExp]>([
    ['that is empty', (path) => writeFileSync(path, ''), /episode_000001\.mp4, episode 1, frame 0: ffmpeg says: /],
    ['that is too short', (path) => encode(path, 8), /episode 1, frame 8: expected a frame, found the end of the video/],
    [
      'of which a frame is missing',
      (path) => encode(`${path}`, 12, FPS, ['-c:v', 'mpeg4', '-g', '1', '-vf', "select='not(eq(n,5))'", '-vsync', 'passthrough']),
      /episode 1, frame 5: expected a frame at its time .* 1\.00 frames later/,
    ],
    [
      'of another size',
      (path) => encode(path, 11, FPS, ['-c:v', 'mpeg4', '-vf', 'scale=32:32']),
      /episode 1, frame \d+: (expected 48 × 64 pixels|.*)/,
    ],
    [
      'that is damaged in the middle',
      (path) => {
        const bytes = readFileSync(path);
        // Of every frame something is left, and nothing is right: from the middle of the data on.
        bytes.fill(
          0xa5,
          bytes.indexOf('mdat') + Math.floor((bytes.indexOf('moov') - bytes.indexOf('mdat')) * 0.6),
          bytes.indexOf('moov') - 8,
        );
        writeFileSync(path, bytes);
      },
      /episode 1, frame \d+: /,
    ],
  ])('%s are an error that names episode and frame', async (_, change, message) => {
    const dataset = await changedVideo(folder, change);
    await expect(greys(dataset, 14, 25)).rejects.toThrow(message);
  });
});

describe.skipIf(version === undefined)('a JPEG picture in a row', () => {
  it('is decoded', async () => {
    const jpeg = execFileSync('ffmpeg', [
      '-loglevel',
      'error',
      '-f',
      'lavfi',
      '-i',
      `color=c=0x406080:s=${WIDTH}x${HEIGHT}`,
      '-frames:v',
      '1',
      '-f',
      'mjpeg',
      'pipe:1',
    ]);
    const { data, height, width } = await ffmpegCodecs('.').jpeg!(jpeg);
    expect([height, width]).toEqual([HEIGHT, WIDTH]);
    [0x40, 0x60, 0x80].forEach((value, i) => expect(Math.abs((data[i] as number) - value)).toBeLessThan(4));
    await expect(ffmpegCodecs('.').jpeg!(jpeg.subarray(0, 100))).rejects.toThrow();
  });
});

describe.skipIf(version === undefined || !g1)('a real video', () => {
  it('in AV1 is decoded frame by frame', async () => {
    const dataset = await openDataset(g1 as string);
    onTestFinished(() => dataset.close());
    let frames = 0;
    let last: Uint8Array | undefined;
    for await (const { data } of dataset.readPictures('observation.images.cam_high', 10_760, 10_861)) {
      frames++;
      last = data;
    }
    expect(frames).toBe(101);
    expect((await dataset.readPicture('observation.images.cam_high', 10_860)).data).toEqual(last);
  });
});
