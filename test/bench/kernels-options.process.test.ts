import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { repositoryPath } from '../support/captured.js';

const folder = mkdtempSync(join(tmpdir(), 'warmstep-kernels-'));
afterAll(() => rmSync(folder, { recursive: true }));

function bench(...args: string[]): { readonly status: number | null; readonly stderr: string } {
  return spawnSync(process.execPath, [repositoryPath('dist/bench/kernels/main.js'), ...args], { encoding: 'utf8' });
}

it('a record may replace the one that it is compared with, and a picture may not', () => {
  const record = join(folder, 'record.json');
  writeFileSync(record, '{}');
  // What is refused is the record itself, which is read before anything runs.
  expect(bench('--compare', record, '--output', record)).toMatchObject({ status: 1, stderr: expect.stringContaining(record) });
  expect(bench('--compare', record, '--svg', record)).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('--svg must be another file than what is read'),
  });
  expect(bench('--compile-report', '--check', record, '--output', record)).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('--output must be another file than what is read'),
  });
  expect(readFileSync(record, 'utf8')).toBe('{}');
});
