import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { PseudoTerminal } from '../../src/cli/simulate/pseudo-terminal.js';
import { warmstep } from '../support/captured.js';
import { HAS_SOCAT } from '../support/simulated-bus.js';

const root = mkdtempSync(join(tmpdir(), 'warmstep-simulate-'));
afterAll(() => rmSync(root, { recursive: true }));

describe('simulate', () => {
  it.each<[string, string[], string]>([
    ['no robot', [], 'say what to simulate, so101'],
    ['another robot', ['so100'], 'say what to simulate, so101: found "so100"'],
    ['another task', ['so101', '--task', 'push-t'], '--task must be so101-pick-place or so101-stack-cube, found "push-t"'],
    ['a seed that is none', ['so101', '--seed', 'x'], '--seed must be a whole number'],
    ['no time', ['so101', '--seconds', '0'], '--seconds must be a whole number'],
    ['two robots', ['so101', 'so101'], 'unexpected argument "so101"'],
  ])('refuses %s', async (_, args, message) => {
    expect(await warmstep('simulate', ...args)).toMatchObject({ code: 2, stderr: expect.stringContaining(message) });
  });

  it('refuses options that the servos do not have', async () => {
    const { code, stderr } = await warmstep('simulate', 'so101', '--task', 'so101-pick-place/q=3');
    expect([code, stderr]).toEqual([2, expect.stringMatching(/expected options voltage=…, p=….*found q=3/)]);
  });
});

describe('a pseudo-terminal', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(root, 'folder-'));
  });

  it('takes nothing away that is somebody else’s', async () => {
    writeFileSync(join(folder, 'file'), 'mine');
    await expect(PseudoTerminal.open(folder, 'file')).rejects.toThrow(/file: something is there that is no port/);
    symlinkSync(join(folder, 'file'), join(folder, 'link'));
    await expect(PseudoTerminal.open(folder, 'link')).rejects.toThrow(/link: another simulation may be running there/);
    expect(readdirSync(folder)).toEqual(['file', 'link']);
  });

  it('leaves no socat behind where what it made cannot be opened', async () => {
    // One whose port is a folder, which nobody opens for writing.
    const socat = join(folder, 'socat');
    writeFileSync(socat, '#!/bin/sh\necho $$ > pid\nmkdir port\nexec sleep 60\n', { mode: 0o755 });
    vi.stubEnv('PATH', `${folder}:${process.env['PATH']}`);
    try {
      await expect(PseudoTerminal.open(folder, 'port')).rejects.toThrow(
        /port: the pseudo-terminal that socat made cannot be opened: EISDIR/,
      );
    } finally {
      vi.unstubAllEnvs();
    }
    const pid = Number(readFileSync(join(folder, 'pid'), 'utf8'));
    expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
  });

  it.skipIf(!HAS_SOCAT)('takes the place of one whose process is gone, and is gone when it is closed', async () => {
    symlinkSync(join(folder, 'nowhere'), join(folder, 'port'));
    const terminal = await PseudoTerminal.open(folder, 'port');
    await terminal.close();
    expect(await terminal.ended).toMatch(/socat ended/);
    expect(readdirSync(folder)).toEqual([]);
  });
});
