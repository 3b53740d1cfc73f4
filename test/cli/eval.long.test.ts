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
import { SMALL_UNET } from '../support/random-checkpoint.js';
import { randomStudent } from '../support/random-method.js';
import { writtenFolder } from '../support/written-folder.js';

/** Of a network beside the bundled policy. */
const STUDENT = { ...SMALL_UNET, horizon: 16, conditioningDim: 36 };
const OF_STUDENT = ['consistency:1', 'consistency:3'];
/** Of lines of a journal. */
const strategiesOf = (lines: string): string[] => [...lines.matchAll(/"strategy":"([^"]*)"/g)].map(([, name]) => name as string);

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

  it('of a preset goes on with more strategies and with networks that were not there before, without a second run of what is over', async () => {
    const output = join(folder, 'preset');
    const journal = join(output, 'episodes.jsonl');
    const dear = 'rti-dp,falcon:10,ddpm:100,ddim:10,step:4,dpm-solver++:4';
    const args = ['eval', 'push-t', '--preset', 'paper', '--episodes', '1', '--latencies', '0', '--replays', '0', '--output', output];
    const first = await warmstepJson<EvaluationRecord>(...args, '--without', `${dear},ddim:4`);
    expect(first.strategies.map(({ name }) => name)).toEqual(['step:2', 'step:1', 'ddim:2', 'ddim:1', 'dpm-solver++:2']);
    const why = new Map(first.leftOut?.map((left) => [left.name, left.why]));
    expect(why.get('ddim:4')).toBe('left out with --without');
    expect(why.get('consistency:3')).toContain('needs a network of type "consistency_policy"');
    const before = await readFile(journal, 'utf8');

    const network = await writtenFolder(join(folder, 'student'), randomStudent(STUDENT, 18));
    const second = await warmstepJson<EvaluationRecord>(...args, '--without', dear, '--network', network);
    expect(second.strategies.map(({ name }) => name)).toEqual([
      'step:2',
      'step:1',
      'ddim:4',
      'ddim:2',
      'ddim:1',
      'dpm-solver++:2',
      ...OF_STUDENT,
    ]);
    const after = await readFile(journal, 'utf8');
    expect(after.startsWith(before)).toBe(true);
    expect(strategiesOf(after.slice(before.length))).toEqual(['ddim:4', ...OF_STUDENT]);
    for (const { cost } of second.strategies) expect(cost?.weightBytes).toBeGreaterThan(1e4);

    // Other weights, another network: its strategies alone are run again.
    await writtenFolder(network, randomStudent(STUDENT, 18, 0.5));
    await warmstepJson<EvaluationRecord>(...args, '--without', dear, '--network', network);
    const last = await readFile(journal, 'utf8');
    expect(strategiesOf(last.slice(after.length))).toEqual(OF_STUDENT);
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
