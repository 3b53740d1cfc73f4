import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { EvaluationRecord } from '../../src/evaluation/record.js';
import { openDevice } from '../../src/platform/node/device.js';
import { variantFile, writeVariants } from '../../src/platform/node/variants.js';
import { adapterIdentity } from '../../src/runtime/variant-table.js';
import { warmstep, warmstepJson } from '../support/captured.js';

/** What takes several evaluations to see. */
describe('warmstep eval, called again', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'warmstep-eval-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('goes on where it was interrupted, and ends with the same record', async () => {
    const output = join(folder, 'second');
    const args = ['eval', 'push-t', '--strategies', 'ddim:1', '--episodes', '3', '--parallel', '1', '--latencies', '0', '--output', output];
    const journal = join(output, 'episodes.jsonl');
    const running = warmstep(...args);
    const interruption = setInterval(() => {
      if (!existsSync(journal)) return;
      void readFile(journal, 'utf8').then((text) => {
        // The header and one episode.
        if (text.split('\n').length < 3) return;
        clearInterval(interruption);
        process.emit('SIGINT');
      });
    }, 20);
    const interrupted = await running;
    clearInterval(interruption);
    expect(interrupted.code).toBe(130);
    expect(interrupted.stderr).toContain('start the same command again to go on');
    const before = await readFile(journal, 'utf8');
    expect(before.split('\n').length - 2).toBeLessThan(3);
    // As if the process had died while it wrote.
    await writeFile(journal, before + '{"strategy":"ddim:1","episo');

    const resumed = await warmstepJson<EvaluationRecord>(...args);
    const whole = await warmstepJson<EvaluationRecord>(...args.slice(0, -1), join(folder, 'third'));
    expect(resumed.strategies).toEqual(whole.strategies);
    expect((await readFile(journal, 'utf8')).startsWith(before)).toBe(true);
  });

  it('runs a seed again whose replay is wanted now, and leaves out those that are not', async () => {
    const args = ['eval', 'push-t', '--strategies', 'ddim:1', '--episodes', '2', '--latencies', '0', '--output', join(folder, 'replays')];
    const replays = async (count: number): Promise<boolean[]> => {
      const { strategies } = await warmstepJson<EvaluationRecord>(...args, '--replays', String(count));
      return strategies[0]!.episodes.map(({ replay }) => replay !== undefined);
    };
    expect(await replays(0)).toEqual([false, false]);
    expect(await replays(1)).toEqual([true, false]);
    expect(await replays(0)).toEqual([false, false]);
  });

  it('refuses to go on after `warmstep tune` has changed the order of sums', async () => {
    const args = ['eval', 'push-t', '--strategies', 'ddim:1', '--episodes', '1', '--latencies', '0', '--output', join(folder, 'tuned')];
    const device = await openDevice();
    const { adapter } = device;
    device.dispose();
    vi.stubEnv('XDG_CACHE_HOME', join(folder, 'cache'));
    await writeVariants(variantFile(adapter), { version: 1, adapter: adapterIdentity(adapter), convolutions: {} });
    expect((await warmstep(...args)).code).toBe(0);
    vi.stubEnv('WARMSTEP_VARIANTS', 'tuned');
    const { code, stderr } = await warmstep(...args);
    vi.unstubAllEnvs();
    expect(code).toBe(1);
    expect(stderr).toMatch(/variants was none, now it is [0-9a-f]{16}/);
  });
});
