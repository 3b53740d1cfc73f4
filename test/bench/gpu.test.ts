import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { distance } from '../../bench/gpu/profile-difference.js';
import { runStep } from '../../bench/gpu/run-step.js';
import { type CampaignOptions, campaignSteps, PARTS } from '../../bench/gpu/steps.js';

const OPTIONS: CampaignOptions = {
  root: fileURLToPath(new URL('../..', import.meta.url)),
  prefix: 'results/day-adapter',
  scratch: 'scratch',
  adapter: 'hardware',
  size: 'large',
  seconds: 0.2,
  graphs: undefined,
  commands: new Set(['bench']),
};

describe('a campaign on a GPU', () => {
  it('has steps with names of their own, the most important parts first', () => {
    const steps = campaignSteps(OPTIONS);
    expect(new Set(steps.map(({ name }) => name)).size).toBe(steps.length);
    expect([...new Set(steps.map(({ part }) => part))]).toEqual(PARTS);
    expect(steps[0]?.args).toEqual(expect.arrayContaining(['verify', '--precision', 'f32', '--profile', 'safe']));
  });

  it('says why a step cannot run', () => {
    const missing = new Map(campaignSteps(OPTIONS).map(({ name, missing: reason }) => [name, reason]));
    expect(missing.get('peers')).toContain('--graphs');
    expect(missing.get('torch')).toContain('--graphs');
    expect(missing.get('tune')).toBe('warmstep has no command tune');
    expect(missing.get('evaluate')).toBe('warmstep has no command eval');
    expect(missing.get('suite-f16')).toBeUndefined();
  });

  describe('runs steps', () => {
    const folder = mkdtempSync(join(tmpdir(), 'warmstep-step-'));
    const files = { stdout: join(folder, 'out'), stderr: join(folder, 'err') };
    const node = (code: string, limit: number) => runStep(process.execPath, ['-e', code], files, limit);
    afterAll(() => rmSync(folder, { recursive: true }));

    it('keeps what they print', async () => {
      expect(await node('console.log("done")', 30)).toMatchObject({ status: 'ok', ended: '0', said: '' });
      expect(readFileSync(files.stdout, 'utf8')).toBe('done\n');
    });

    it('records a failure with the end of what was said', async () => {
      expect(await node('console.error("no adapter"); process.exit(3)', 30)).toMatchObject({
        status: 'failed',
        ended: '3',
        said: 'no adapter\n',
      });
    });

    it('ends what takes too long', async () => {
      expect(await node('setInterval(() => {}, 1000)', 0.5)).toMatchObject({ status: 'out of time', ended: 'SIGKILL' });
    });

    it('records a program that is not there', async () => {
      const outcome = await runStep(join(folder, 'nothing'), [], files, 30);
      expect(outcome.status).toBe('failed');
      expect(outcome.ended).toContain('ENOENT');
    });
  });

  it('measures how far results are apart, as a share of the largest', () => {
    expect(distance(Float32Array.of(1, -4), Float32Array.of(1, -4))).toEqual({ relative: 0, bits: false });
    expect(distance(Float32Array.of(1, -4), Float32Array.of(1, -3))).toEqual({ relative: 0.25, bits: true });
    expect(distance(Float32Array.of(0), Float32Array.of(-0))).toEqual({ relative: 0, bits: true });
  });
});
