import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { repositoryPath } from '../support/captured.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'warmstep-shards-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Runs what is in `dist/`, in a process of its own, with the date of every record fixed. */
function warmstep(...args: string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [repositoryPath('dist/src/cli/main.js'), ...args], {
    cwd: folder,
    env: { ...process.env, SOURCE_DATE_EPOCH: '1750000000' },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (output += data.toString()));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, output })));
}

const OPTIONS = ['push-t', '--strategies', 'step:2', '--episodes', '5', '--latencies', '0', '--replays', '2'];

it('four processes share an evaluation, and their parts are joined to the record of the undivided one, byte for byte', async () => {
  const shards = ['1/4', '2/4', '3/4', '4/4'];
  const parts = await Promise.all(shards.map((shard) => warmstep('eval', ...OPTIONS, '--shard', shard)));
  for (const { code, output } of parts) expect(code, output).toBe(0);
  const folders = shards.map((shard) => `evaluation-push-t-${shard.replace('/', '-of-')}`);

  const early = await warmstep('eval', 'merge', ...folders.slice(1), '--output', 'joined');
  expect([early.code, early.output]).toEqual([1, expect.stringContaining('of 4 parts, 1 is missing: run with --shard 1/4')]);

  const joined = await warmstep('eval', 'merge', ...folders, '--output', 'joined');
  expect(joined.code, joined.output).toBe(0);
  const whole = await warmstep('eval', ...OPTIONS, '--output', 'whole');
  expect(whole.code, whole.output).toBe(0);
  for (const file of ['evaluation.json', 'report.html']) {
    expect(await readFile(join(folder, 'joined', file), 'utf8')).toBe(await readFile(join(folder, 'whole', file), 'utf8'));
  }
});
