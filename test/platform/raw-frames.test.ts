import { describe, expect, it } from 'vitest';
import { cameraArguments } from '../../src/platform/node/camera.js';
import { RawFrames } from '../../src/platform/node/raw-frames.js';

describe('frames of a stream', () => {
  const stream = Uint8Array.from({ length: 23 }, (_, i) => i);

  it.each([1, 2, 4, 5, 7, 23])('are cut alike in pieces of %d bytes, the newest of a piece being handed out', (piece) => {
    const frames = new RawFrames(5);
    const found: number[][] = [];
    for (let at = 0; at < stream.length; at += piece) {
      const frame = frames.push(stream.subarray(at, at + piece));
      if (frame) found.push([...frame]);
    }
    const all = [0, 5, 10, 15].map((first) => [...stream.subarray(first, first + 5)]);
    expect(found.at(-1)).toEqual(all[3]);
    if (piece <= 5) expect(found).toEqual(all);
  });
});

describe('what ffmpeg is told', () => {
  const size = { name: 'front', width: 8, height: 6 };
  it.each([
    ['linux', '/dev/video0', ['-f', 'v4l2', '-i', '/dev/video0']],
    ['darwin', '1', ['-f', 'avfoundation', '-framerate', '30', '-i', '1']],
    ['win32', 'video=Cam', ['-f', 'dshow', '-i', 'video=Cam']],
    ['linux', 'rtsp://robot/front', ['-i', 'rtsp://robot/front']],
  ] as const)('on %s of %s', (platform, source, input) => {
    const told = cameraArguments({ ...size, source }, platform).join(' ');
    expect(told).toContain(` ${input.join(' ')} -an -vf scale=8:6 -f rawvideo -pix_fmt rgb24 pipe:1`);
  });
});
