import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { datasetCommand } from '../../src/cli/commands/dataset.js';
import { sparkline } from '../../src/cli/dataset/sparkline.js';
import { openDataset } from '../../src/platform/node/open-dataset.js';
import { arrayFiles, changedJson, type DatasetFileMap, leRobotFiles, valueAt } from '../support/datasets.js';

const root = mkdtempSync(join(tmpdir(), 'warmstep-dataset-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;

function folderOf(files: DatasetFileMap): string {
  const folder = join(root, String(folders++));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return folder;
}

/** The command without what starts a device. */
async function dataset(...args: string[]): Promise<{ code: number; out: string }> {
  let out = '';
  const spies = (['stdout', 'stderr'] as const).map((stream) =>
    vi.spyOn(process[stream], 'write').mockImplementation((text) => {
      out += String(text);
      return true;
    }),
  );
  try {
    return { code: await datasetCommand.run(args), out };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

describe('warmstep dataset inspect', () => {
  it('prints episodes, features, statistics, and draws them', async () => {
    const { code, out } = await dataset('inspect', folderOf(await leRobotFiles([5, 3, 10])));
    expect(code).toBe(0);
    expect(out).toContain('lerobot-v3.0');
    expect(out).toMatch(/frames +18 at 10 fps/);
    expect(out).toMatch(/episodes +3, 3 of them all there; 3 to 10 frames/);
    expect(out).toMatch(/observation\.state +vector +float32 +3 +3/);
    expect(out).toMatch(/^b +0\.0625 +8\.5625 +17\.063 +5\.1881 +▁▃▅▇█$/m);
    expect(out).not.toContain('missing');
  });

  it('says what is missing, and what is damaged', async () => {
    const files = await leRobotFiles([5, 3, 10], { fileBytes: 1 });
    delete files['data/chunk-000/file-001.parquet'];
    files['data/chunk-000/file-002.parquet'] = (files['data/chunk-000/file-002.parquet'] as Uint8Array).slice(0, 900);
    const folder = folderOf(files);
    expect((await dataset('inspect', folder)).out).toMatch(
      /1 file missing:\n {2}data\/chunk-000\/file-001\.parquet\n[\s\S]*\n +1 +observation\.state, action, next\.reward/,
    );
    const { code, out } = await dataset('inspect', folder, '--check');
    expect(code).toBe(1);
    expect(out).toMatch(/read 15 rows of vectors and 0 pictures; 1 problem:\n {2}episode 2: data\/chunk-000\/file-002\.parquet/);
  });

  it('lists all that is damaged, with file, episode and frame, whatever is drawn', async () => {
    const files = arrayFiles([5, 3, 10]);
    const state = new Float32Array((files['state.f32'] as Uint8Array).slice().buffer);
    for (const row of [0, 4, 6, 17]) state[row * 3 + 1] = Number.NaN;
    files['state.f32'] = new Uint8Array(state.buffer);
    const page = join(root, 'page.html');
    const { code, out } = await dataset('inspect', folderOf(files), '--fps', '10', '--check', '--output', page);
    expect(code).toBe(1);
    // What can be read is drawn.
    const drawn = readFileSync(page, 'utf8');
    expect(drawn).toContain('0 of 3 episodes over their frames');
    expect(drawn).toContain('3 of 3 episodes over their frames');
    expect(drawn).not.toContain('NaN');
    for (const [episode, frame] of [
      [0, 0],
      [0, 4],
      [1, 1],
      [2, 9],
    ])
      expect(out).toContain(`state.f32, episode ${episode}, frame ${frame}: expected finite numbers, found NaN in dimension 1 of "state"`);
    expect(out).toMatch(/read 32 rows of vectors and 0 pictures; 4 problems:/);
    expect(out).toMatch(/episodes +3, 3 of them all there/);
    const { out: json } = await dataset('inspect', folderOf(files), '--fps', '10', '--check', '--json');
    expect((JSON.parse(json) as { check: { problems: string[] } }).check.problems).toHaveLength(4);
  });

  it('lists a column that is not there and statistics of other rows, too', async () => {
    const options = {
      fileBytes: 1,
      features: ['observation.state', 'action'].map((name) => ({ name, from: name.replace('observation.', '') })),
    };
    const file = 'data/chunk-000/file-001.parquet';
    const files: DatasetFileMap = { ...(await leRobotFiles([30, 3], { fileBytes: 1 })) };
    files[file] = (await leRobotFiles([30, 3], options))[file] as Uint8Array;
    const lower = ((value: { action: { max: number[] } }) => void (value.action.max[0] = 1003)) as (value: never) => void;
    const { code, out } = await dataset('inspect', folderOf(changedJson(files, 'meta/stats.json', lower)), '--check');
    expect(code).toBe(1);
    expect(out).toMatch(/2 problems:\n.*file-001\.parquet.*next\.reward/);
    expect(out).toContain('meta/stats.json: "action", dimension 0: expected "max" of at least 1032, as in episode 1, frame 2, found 1003');
  });

  it('counts what it does not list', async () => {
    const files = arrayFiles([50]);
    files['state.f32'] = new Uint8Array(new Float32Array(150).fill(Number.NaN).buffer);
    const { out } = await dataset('inspect', folderOf(files), '--fps', '10', '--check');
    expect(out).toMatch(/frame 19: expected finite numbers/);
    expect(out).not.toContain('frame 20: expected finite numbers');
    expect(out).toMatch(/21 problems:[\s\S]*frame 20: this frame and 29 more behind it are damaged/);
  });

  it('writes a page that needs nothing else', async () => {
    const page = join(root, 'page.html');
    await dataset('inspect', folderOf(await leRobotFiles([5, 3, 10])), '--output', page);
    const html = readFileSync(page, 'utf8');
    expect([...html.matchAll(/<path [^>]*class="episode"/g)].length).toBe(3 * 6);
    expect(html).toContain('next.reward');
    expect(html).not.toMatch(/NaN|Infinity|https?:/);
  });

  it('prints an object for programs', async () => {
    const { out } = await dataset('inspect', folderOf(await leRobotFiles([5, 3])), '--json');
    const { frames, episodes, statistics } = JSON.parse(out) as {
      frames: number;
      episodes: unknown[];
      statistics: Record<string, { max: number[] }>;
    };
    expect([frames, episodes.length, statistics['action']?.max]).toEqual([8, 2, [valueAt(7, 0, 1), valueAt(7, 1, 1)]]);
  });

  it('refuses what it does not know', async () => {
    const folder = folderOf(await leRobotFiles([5]));
    await expect(dataset('inspect')).rejects.toThrow('the folder of the data set is missing');
    await expect(dataset('draw')).rejects.toThrow('inspect or convert, found "draw"');
    await expect(dataset('inspect', folder, '--episode', '7')).rejects.toThrow('--episode must be one of the 1 episodes');
    await expect(dataset('inspect', folder, '--fps', 'fast')).rejects.toThrow(
      '--fps must be a number above 0 and below 100000, found "fast"',
    );
    await expect(dataset('inspect', join(root, 'nowhere'))).rejects.toThrow('does not exist');
  });
});

describe('warmstep dataset convert', () => {
  it('writes the features that are asked for, under their new names', async () => {
    const target = join(root, 'converted');
    const features = ['--feature', 'observation.state=state[1:3]', '--feature', 'action=action', '--feature', 'next.reward=state[0]'];
    const { code, out } = await dataset(
      'convert',
      folderOf(arrayFiles([5, 3])),
      target,
      '--fps',
      '20',
      ...features,
      '--words',
      'push',
      '--robot',
      'arm',
    );
    expect(code).toBe(0);
    expect(out).toContain('LeRobot v3.0, 2 episodes, 8 frames');
    const written = await openDataset(target);
    expect([written.fps, written.robot, written.episodes[1]?.tasks]).toEqual([20, 'arm', ['push']]);
    expect([...(await written.readRows('observation.state', 6, 7))]).toEqual([valueAt(6, 1), valueAt(6, 2)]);
    expect([...(await written.readRows('next.reward', 6, 7))]).toEqual([valueAt(6, 0)]);
    await written.close();
    await expect(dataset('convert', folderOf(arrayFiles([5])), target, '--fps', '20')).rejects.toThrow('it holds "');
  });

  it('knows what policies of Push-T read', async () => {
    const files = arrayFiles([5, 3]);
    files['state.f32'] = new Uint8Array(
      Float32Array.from({ length: 40 }, (_, i) => [100, 120, 256, 300, Math.PI / 2][i % 5] as number).buffer,
    );
    const target = join(root, 'push-t');
    await dataset('convert', folderOf(files), target, '--fps', '10', '--task', 'push-t');
    const written = await openDataset(target);
    expect(written.features.map(({ name, size }) => [name, size])).toEqual([
      ['observation.state', 2],
      ['observation.environment_state', 16],
      ['action', 2],
    ]);
    expect([...(await written.readRows('observation.state', 2, 3))]).toEqual([100, 120]);
    // The first corner of the bar, (−60, 0) from the block, turned by 90°.
    expect([...(await written.readRows('observation.environment_state', 2, 3)).slice(0, 2)].map(Math.round)).toEqual([256, 240]);
    await written.close();
    await expect(dataset('convert', folderOf(arrayFiles([5])), join(root, 'other'), '--fps', '10', '--task', 'push-t')).rejects.toThrow(
      '"state" of 5 numbers',
    );
  });

  it('refuses a feature that is spelled in another way', async () => {
    const source = folderOf(arrayFiles([5]));
    const convert = (feature: string): Promise<unknown> =>
      dataset('convert', source, join(root, 'never'), '--fps', '10', '--feature', feature);
    await expect(convert('state')).rejects.toThrow('--feature must be NEW=OLD or NEW=OLD[first:end], found "state"');
    await expect(convert('a=state[2:1]')).rejects.toThrow('the end must be behind the first');
    await expect(convert('a=velocity')).rejects.toThrow('expected one of the features action, state for "a", found velocity');
  });
});

it('a line of blocks has the shape of its values', () => {
  expect(sparkline([0, 1, 2, 3, 4, 5, 6, 7])).toBe('▁▂▃▄▅▆▇█');
  expect(sparkline([5, 5, 5])).toBe('▁▁▁');
  expect(sparkline([])).toBe('');
  expect(sparkline(Array.from({ length: 1000 }, (_, i) => i)).length).toBe(48);
});
