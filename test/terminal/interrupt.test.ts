import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Interrupted, interruptible } from '../../src/terminal/interrupt.js';
import { warmstep } from '../support/captured.js';

describe('Ctrl-C', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'warmstep-interrupt-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('reaches a task through its signal, and only while it runs', async () => {
    const listeners = process.listenerCount('SIGINT');
    const reason = await interruptible(async (signal) => {
      expect(signal.aborted).toBe(false);
      process.emit('SIGINT');
      return signal.reason as unknown;
    });
    expect(reason).toBeInstanceOf(Interrupted);
    expect(process.listenerCount('SIGINT')).toBe(listeners);
  });

  it('ends long work with code 130', async () => {
    const written = warmstep('bench', '--size', 'large', '--write-checkpoint', folder);
    const interruption = setInterval(() => {
      // Commands load lazily, so the listener appears a moment later.
      if (process.listenerCount('SIGINT') === 0) return;
      clearInterval(interruption);
      process.emit('SIGINT');
    }, 20);
    const { code, stdout, stderr } = await written;
    expect({ code, stdout, stderr }).toEqual({ code: 130, stdout: '', stderr: 'warmstep: interrupted\n' });
  });
});
