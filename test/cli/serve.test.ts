import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { ComputeDevice } from '../../src/runtime/device.js';
import { warmstep } from '../support/captured.js';

describe('serve, before a device is opened', () => {
  const root = mkdtempSync(join(tmpdir(), 'warmstep-serve-'));
  const empty = join(root, 'empty');
  const spaced = join(root, 'spaced');
  beforeAll(() => {
    writeFileSync(empty, '\n');
    writeFileSync(spaced, 'a key\n');
    vi.spyOn(ComputeDevice, 'open').mockRejectedValue(new Error('a device was opened'));
  });
  afterEach(() => expect(vi.mocked(ComputeDevice.open)).not.toHaveBeenCalled());
  afterAll(() => {
    vi.restoreAllMocks();
    rmSync(root, { recursive: true });
  });

  it.each<[string[], string]>([
    [[], 'say what to serve, openpi or lerobot'],
    [['ros'], 'say what to serve, openpi or lerobot: found "ros"'],
    [['openpi', 'lerobot'], 'unexpected argument "lerobot"'],
    [['openpi', '--fps', '30'], '--fps is an option of serve lerobot'],
    [['lerobot', '--tick-ms', '30'], '--tick-ms is an option of serve openpi'],
    [['lerobot', '--fps', '0'], '--fps must be a number, 0.1 to 1000'],
    [['openpi', '--tick-ms', 'fast'], '--tick-ms must be a number, 1 to 60000, found "fast"'],
    [['openpi', '--port', '70000'], '--port must be a whole number, 0 to 65535'],
    [['openpi', '--key-map', 'state'], '--key-map must be NAME=FEATURE, found "state"'],
    [['openpi', '--tls-cert', empty], '--tls-cert needs --tls-key'],
    [['openpi', '--allow-origin', 'robot'], 'an origin of --allow-origin must be like https://robot.example'],
    [['openpi', '--strategy', 'ddim:1000'], 'steps must be an integer from 1 to 100'],
    // Before the policy is looked for.
    [['openpi', '--policy', join(root, 'none'), '--batch', '99'], '--batch must be a whole number, 1 to 16'],
    [['lerobot', '--policy', join(root, 'none'), '--fps', 'x'], '--fps must be a number'],
  ])('%j is a wrong command line', async (args, words) => {
    const { code, stderr } = await warmstep('serve', ...args);
    expect(stderr).toContain(words);
    expect(code).toBe(2);
  });

  it.each<[string[], string]>([
    [['openpi', '--api-key-file', join(root, 'none')], `${join(root, 'none')}: there is no such file.`],
    [['openpi', '--tls-cert', empty, '--tls-key', empty], 'tls: '],
    [['openpi', '--api-key-file', empty], `--api-key-file: ${empty} is empty`],
    [['openpi', '--api-key-file', spaced], `--api-key-file: ${spaced}: must be visible ASCII without spaces`],
    [['lerobot', '--policy', root], 'expected "model.safetensors"'],
  ])('%j fails in words', async (args, words) => {
    const { code, stderr } = await warmstep('serve', ...args, '--port', '0');
    expect(stderr).toContain(words);
    expect(code).toBe(1);
  });

  it('a port that is taken is known at once', async () => {
    const other = createServer();
    const port = await new Promise<number>((resolve) =>
      other.listen(0, '127.0.0.1', () => resolve((other.address() as { port: number }).port)),
    );
    try {
      const { code, stderr } = await warmstep('serve', 'openpi', '--port', String(port));
      expect([code, stderr]).toEqual([1, expect.stringContaining('address already in use')]);
    } finally {
      other.close();
    }
  });
});
