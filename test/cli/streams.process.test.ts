import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { repositoryPath } from '../support/captured.js';

/** Runs what is in `dist/`, with its streams where the shell puts them. */
function shell(command: string): { status: number | null; stdout: string; stderr: string } {
  const warmstep = `'${process.execPath}' '${repositoryPath('dist/src/cli/main.js')}'`;
  return spawnSync('bash', ['-c', command.replaceAll('warmstep', warmstep)], { encoding: 'utf8' });
}

const LOST = /^warmstep: standard output (takes no more \(.*ENOSPC.*\)|was closed by its reader): the rest is lost\n$/;

describe.skipIf(!existsSync('/dev/full'))('a standard output that takes nothing', () => {
  it('on a full disk ends with a code that is not 0, and one line', () => {
    const { status, stderr } = shell('warmstep --help > /dev/full');
    expect([status, stderr]).toEqual([1, expect.stringMatching(LOST)]);
  });

  it('of a closed pipe likewise', () => {
    const { stdout, stderr } = shell('warmstep eval --help | true; echo $PIPESTATUS');
    expect([stdout, stderr]).toEqual(['1\n', expect.stringMatching(LOST)]);
  });

  it('leaves results that are read as they are', () => {
    const { status, stdout, stderr } = shell('warmstep --version | cat');
    expect([status, stdout.trim(), stderr]).toEqual([0, expect.stringMatching(/^\d+\.\d+\.\d+(-\w+)?$/), '']);
  });

  it('does not hide an error behind a standard error that takes nothing either', () => {
    expect(shell('warmstep nonsense 2> /dev/full').status).toBe(2);
    expect(shell('warmstep --help > /dev/full 2> /dev/full').status).toBe(1);
  });
});
