import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { loadPolicy } from '../../src/platform/node/load-policy.js';
import { loadPolicy as loadWebPolicy } from '../../src/platform/web/load-policy.js';
import type { LoadProgress } from '../../src/policy/load-progress.js';
import { repositoryPath, warmstepJson } from '../support/captured.js';
import { useTestDevice } from '../support/device.js';
import { golden, goldenFiles } from '../support/folders.js';
import { window } from '../support/golden-policy.js';
import { HubServer } from '../support/hub-server.js';

const files = goldenFiles('state-ddim2/policy') as Record<string, Uint8Array>;
let hub: HubServer;
let cache: string;
beforeAll(async () => {
  hub = await HubServer.start(files);
  cache = await mkdtemp(join(tmpdir(), 'warmstep-hub-'));
});
afterAll(async () => {
  await hub.stop();
  await rm(cache, { recursive: true });
});
afterEach(() => vi.unstubAllEnvs());

function stubEnvironment(): void {
  for (const [name, value] of Object.entries({ HF_ENDPOINT: hub.endpoint, HF_HUB_CACHE: cache, HF_TOKEN: '', HF_HUB_OFFLINE: '' })) {
    vi.stubEnv(name, value);
  }
}

describe('loadPolicy of an address', () => {
  const device = useTestDevice();

  it('gives the policy of the folder, by way of the cache and over the network, with one growing fraction', async () => {
    stubEnvironment();
    const told: [number, LoadProgress['stage']][] = [];
    const onProgress = (fraction: number, { stage }: LoadProgress): number => told.push([fraction, stage]);
    const local = await loadPolicy(golden('state-ddim2/policy'), { device: device() });
    const cached = await loadPolicy('hf:someone/policy', { device: device(), onProgress });
    const observation = window(local);
    const expected = (await local.decide(observation)).chunk;
    expect((await cached.decide(observation)).chunk).toEqual(expected);
    const fractions = told.map(([fraction]) => fraction);
    expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
    expect(fractions.at(-1)).toBe(1);
    expect(new Set(told.map(([, stage]) => stage))).toContain('download');
    for (const policy of [local, cached]) await policy.dispose();
    // A web server that lists no names says what to do.
    await expect(loadWebPolicy(`${hub.endpoint}/someone/policy`, { device: device() })).rejects.toThrow(
      /index.json.*Put one there, or give the names/,
    );
  });

  it('is what the command line takes as well', async () => {
    stubEnvironment();
    const { name, ...facts } = await warmstepJson<Record<string, unknown>>('inspect', repositoryPath('test/goldens/state-ddim2/policy'));
    expect(name).toBe('policy');
    expect(await warmstepJson('inspect', 'hf:someone/policy')).toMatchObject(facts);
  });
});
