import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Contraction } from '../../src/analysis/contraction.js';
import { warmstep } from '../support/captured.js';

const SHORT = ['--steps', '2', '--budget', '1', '--episodes', '1', '--decisions', '1'];

interface ContractionRecord {
  readonly strategy: object;
  readonly request: object;
  readonly situations: readonly { readonly warm: boolean }[];
  readonly series: readonly { readonly name: string; readonly contraction: Contraction }[];
  readonly files: readonly string[];
}

describe('warmstep analyze contraction', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'warmstep-analyze-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('measures the bundled policy, from noise and from warm starts, and writes a record and a plot', async () => {
    const output = join(folder, 'new', 'folder');
    const { code, stdout, stderr } = await warmstep('analyze', 'contraction', ...SHORT, '--output', output);
    expect(stderr).toContain('DDIM 2 from noise: 2 steps in 1 situation');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^situations +1, of 1 episode from seed 100000; 16 directions in each$/m);
    const record = JSON.parse(await readFile(join(output, 'contraction.json'), 'utf8')) as ContractionRecord;
    expect(record.series.map(({ name, contraction }) => [name, contraction.steps.map(({ timestep }) => timestep)])).toEqual([
      ['DDIM 2 from noise', [50, 0]],
      ['STEP 1 from the prediction', [0]],
    ]);
    // Every step of every series and delta is a row, with what was measured to four decimals.
    for (const { contraction } of record.series) {
      for (const { timestep, spreads } of contraction.steps) {
        for (const {
          fresh: { mean, min, max },
        } of spreads) {
          expect(stdout).toMatch(new RegExp(`^ +${timestep} +${mean.toFixed(4)} +${min.toFixed(4)} .* ${max.toFixed(4)} `, 'm'));
        }
      }
    }
    expect(await readFile(join(output, 'contraction.svg'), 'utf8')).toMatch(/^<svg /);
  });
});
