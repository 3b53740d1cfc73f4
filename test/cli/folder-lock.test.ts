import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { LOCK_FILE, lockFolder } from '../../src/cli/folder-lock.js';
import { OptionError } from '../../src/foundation/errors.js';

describe('a folder that an evaluation writes into', () => {
  const root = mkdtempSync(join(tmpdir(), 'warmstep-lock-'));
  afterAll(() => rmSync(root, { recursive: true }));
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(root, 'case-'));
  });
  const left = (holder: unknown): void =>
    writeFileSync(join(folder, LOCK_FILE), typeof holder === 'string' ? holder : JSON.stringify(holder));

  it('is refused to others until it is released', () => {
    const lock = lockFolder(folder);
    expect(() => lockFolder(folder)).toThrow(OptionError);
    expect(() => lockFolder(folder)).toThrow(
      new RegExp(`process ${process.pid} on .* is evaluating into this folder: choose another --output folder, or delete .*${LOCK_FILE}`),
    );
    lock.release();
    expect(readdirSync(folder)).toEqual([]);
    lockFolder(folder).release();
  });

  it('is taken over from a process that is no more', () => {
    const { pid } = spawnSync(process.execPath, ['--version']);
    left({ host: hostname(), pid, began: null });
    const lock = lockFolder(folder);
    expect(JSON.parse(readFileSync(join(folder, LOCK_FILE), 'utf8'))).toMatchObject({ host: hostname(), pid: process.pid });
    lock.release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it.runIf(existsSync('/proc/self/stat'))('is taken over where the number of the process is another one’s by now', () => {
    left({ host: hostname(), pid: process.pid, began: 'another boot 1' });
    lockFolder(folder).release();
    // Whoever writes no beginning may be this one.
    left({ host: hostname(), pid: process.pid, began: null });
    expect(() => lockFolder(folder)).toThrow(/is evaluating into this folder/);
  });

  it.each<[string, unknown, string]>([
    ['of another machine', { host: 'elsewhere.example', pid: 1, began: null }, 'process 1 on elsewhere.example'],
    ['that says nothing', '', 'another process'],
    ['that is something else', '{"host":"\u001b[2J"}', 'another process'],
    ['with a name that would clear the screen', { host: '\u001b[2J', pid: 1, began: null }, 'process 1 on \\u001b[2J'],
  ])('is not taken over from a lock %s: the user is asked', (_, holder, who) => {
    left(holder);
    expect(() => lockFolder(folder)).toThrow(`${who} is evaluating into this folder`);
    expect(readFileSync(join(folder, LOCK_FILE), 'utf8')).toBe(typeof holder === 'string' ? holder : JSON.stringify(holder));
  });

  it('keeps the lock of somebody else when it is released', () => {
    const lock = lockFolder(folder);
    left({ host: 'elsewhere.example', pid: 1, began: null });
    lock.release();
    expect(readdirSync(folder)).toEqual([LOCK_FILE]);
  });
});
