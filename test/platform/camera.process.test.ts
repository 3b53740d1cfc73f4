import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { OptionError } from '../../src/foundation/errors.js';
import { Camera } from '../../src/platform/node/camera.js';

const hasFfmpeg = spawnSync('ffmpeg', ['-version']).status === 0;
if (!hasFfmpeg) console.log('left out: cameras need ffmpeg');
const root = mkdtempSync(join(tmpdir(), 'warmstep-camera-'));
afterAll(() => rmSync(root, { recursive: true }));
const SIZE = { name: 'front', width: 16, height: 12 };

describe('a camera', () => {
  it.skipIf(!hasFfmpeg)('hands out its newest picture in the size that is wanted, and says when it has stopped', async () => {
    const source = join(root, 'red.mp4');
    const made = ['-f', 'lavfi', '-i', 'color=red:size=32x24:rate=20:duration=1', '-pix_fmt', 'yuv444p', source];
    expect(spawnSync('ffmpeg', ['-loglevel', 'error', ...made]).status).toBe(0);
    const camera = await Camera.open({ ...SIZE, source });
    try {
      const { data, width, height } = camera.read();
      expect([data.length, width, height]).toEqual([16 * 12 * 3, 16, 12]);
      const [red = 0, green = 255, blue = 255] = data;
      expect([red > 230, green < 25, blue < 25]).toEqual([true, true, true]);
      await expect.poll(() => camera.read().data !== data, { timeout: 5000 }).toBe(true);
    } finally {
      camera.close();
    }
    await expect.poll(() => attempt(() => camera.read()), { timeout: 5000 }).toMatch(/^camera front: its newest picture is \d+ ms old/);
  });

  it.skipIf(!hasFfmpeg)('that is not there is told with what ffmpeg says', async () => {
    const opening = Camera.open({ ...SIZE, source: join(root, 'none.mp4') });
    await expect(opening).rejects.toThrow(
      /camera front: expected pictures from .*none.mp4, found none: ffmpeg ended with code \d+: .*No such file/,
    );
  });

  it('needs ffmpeg, and gives up one that shows nothing', async () => {
    const opening = Camera.open({ ...SIZE, source: 'x' }, join(root, 'no-program'));
    await expect(opening).rejects.toThrow(OptionError);
    await expect(opening).rejects.toThrow(/expected the program ".*no-program", found none. Install ffmpeg, or name it in WARMSTEP_FFMPEG/);
    await expect(Camera.open({ ...SIZE, source: 'x' }, 'true')).rejects.toThrow(/found none: ffmpeg ended with code 0: no word why/);
  });
});

function attempt(call: () => unknown): string {
  try {
    call();
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}
