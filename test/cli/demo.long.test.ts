import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { warmstep } from '../support/captured.js';

describe('warmstep demo', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'warmstep-demo-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('compares STEP with DDIM in closed loop, and writes a report with replays', async () => {
    const { code, stdout, stderr } = await warmstep('demo', '--episodes', '1', '--output', folder);
    expect(code).toBe(0);
    expect(stderr).toContain('loading the policy');
    expect(stdout).toMatch(/^adapter +\S/m);
    const names = [...stdout.matchAll(/^((?:step|ddim):\d+) +([\d.]+)/gm)].map(([, name]) => name);
    expect(names).toEqual(['step:2', 'ddim:2', 'ddim:10']);
    expect(await readFile(join(folder, 'report.html'), 'utf8')).toContain('step:2');
  });

  it.each([['--json'], ['--episodes', '2'], ['--output', 'unused']])('--watch refuses %s, which it would not heed', async (...option) => {
    const { code, stdout, stderr } = await warmstep('demo', '--watch', ...option);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(`--watch shows one episode and writes nothing: leave ${option[0]} out\n`);
  });

  it('--watch shows an episode and says how it ended', async () => {
    const { code, stdout } = await warmstep('demo', '--watch', '--seed', '100003');
    expect(code).toBe(0);
    expect(stdout).toMatch(/STEP 2 .* seed 100003/);
    expect(stdout).toMatch(/coverage \d\.\d\d/);
    expect(stdout).toMatch(/(success|not solved) after \d+ ticks; largest reward [01]\.\d{3}\n$/);
  });
});
