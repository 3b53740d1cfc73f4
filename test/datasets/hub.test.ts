import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { hubFolder } from '../../src/platform/node/hub/hub-folder.js';
import { openDataset } from '../../src/platform/node/open-dataset.js';
import { parseHubReference } from '../../src/remote/hub/reference.js';
import { leRobotFiles, rowsOf } from '../support/datasets.js';
import { HubServer } from '../support/hub-server.js';

const REFERENCE = parseHubReference('hf:datasets/someone/demonstrations');

async function hubOf(files: Record<string, Uint8Array>): Promise<{ server: HubServer; load: (isOffline?: boolean) => Promise<string> }> {
  const server = await HubServer.start(files);
  const cache = await mkdtemp(join(tmpdir(), 'warmstep-hub-'));
  onTestFinished(async () => {
    await server.stop();
    await rm(cache, { recursive: true });
  });
  const settings = { endpoint: server.endpoint, token: undefined, cache };
  return { server, load: (isOffline = false) => hubFolder(REFERENCE, { settings: { ...settings, isOffline } }) };
}

describe('a data set on the Hub', () => {
  it('is loaded into the cache, read there, and found again without a network', async () => {
    const encoder = new TextEncoder();
    const entries = Object.entries(await leRobotFiles([5, 3, 10], { fileBytes: 1 }));
    const files = Object.fromEntries(
      entries.map(([path, content]) => [path, typeof content === 'string' ? encoder.encode(content) : content]),
    );
    const { server, load } = await hubOf({ ...files, 'README.md': encoder.encode('# not needed') });
    await expect(load(true)).rejects.toThrow('hf:datasets/someone/demonstrations is not in the cache');
    const folder = await load();
    expect(server.requests('GET', 'README').length).toBe(0);
    expect(server.seen.at(-1)?.url).toContain('meta/info.json');
    const dataset = await openDataset(folder);
    expect(dataset.missing).toEqual([]);
    expect(await dataset.readRows('action', 0, 18)).toEqual(rowsOf(18, 2, 1));
    await dataset.close();
    expect(await load(true)).toBe(folder);
  });

  it('that is none is refused', async () => {
    const { load } = await hubOf({ 'config.json': new Uint8Array(2) });
    await expect(load()).rejects.toThrow(
      'hf:datasets/someone/demonstrations: expected meta/info.json in this folder, found none. Is this a LeRobot data set?',
    );
  });
});
