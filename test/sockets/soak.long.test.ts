import { afterEach, describe, expect, it, vi } from 'vitest';
import { folderSource } from '../../src/platform/node/folder-source.js';
import { loadPolicy as loadInNode } from '../../src/platform/node/load-policy.js';
import { loadPolicy } from '../../src/policy/load-policy.js';
import { ComputeDevice } from '../../src/runtime/device.js';
import { servePolicy } from '../../src/sockets/openpi/serve-policy.js';
import { repositoryPath } from '../support/captured.js';
import { useTestDevice } from '../support/device.js';
import { floats } from '../support/openpi.js';
import { OpenpiClient } from '../support/openpi-client.js';
import { randomPolicy, SMALL_UNET } from '../support/random-checkpoint.js';
import { soakServer } from '../support/server-soak.js';

const REQUESTS = Number(process.env['WARMSTEP_REQUESTS'] ?? 10_000);

describe('a server', () => {
  const device = useTestDevice();

  it(`answers ${REQUESTS} requests of 8 clients that come and go, each with the bits that it has alone, and keeps nothing`, async () => {
    const policy = await loadPolicy(randomPolicy(SMALL_UNET, 3).source, {
      device: device(),
      networks: { predictor: 'shift' },
      strategy: { name: 'STEP', budget: 1, coldStart: { steps: 1 } },
    });
    const facts = await soakServer(policy, REQUESTS);
    console.log(`server soak: ${JSON.stringify(facts)}`);
    expect(facts.torn).toBeGreaterThan(REQUESTS / 50);
    await policy.dispose();
  }, 3_600_000);

  it('does so with the bundled policy and its predictor', async () => {
    const folder = repositoryPath('checkpoints/pusht-state');
    const policy = await loadPolicy(await folderSource(`${folder}/policy`), {
      device: device(),
      networks: { predictor: await folderSource(`${folder}/predictor`) },
    });
    console.log(`server soak, bundled policy: ${JSON.stringify(await soakServer(policy, 96))}`);
    await policy.dispose();
  }, 3_600_000);
});

describe('a server whose device is lost', () => {
  afterEach(() => vi.restoreAllMocks());

  it('tells its clients, opens another, and goes on with the bits of before', async () => {
    const opened: ComputeDevice[] = [];
    const open = ComputeDevice.open.bind(ComputeDevice);
    vi.spyOn(ComputeDevice, 'open').mockImplementation(async (options = {}) => {
      if (opened.length > 1 || options.gpu === undefined) throw new Error('an adapter that the test did not expect');
      const device = await open(options);
      opened.push(device);
      return device;
    });
    const policy = await loadInNode(randomPolicy(SMALL_UNET, 3).source, { strategy: { name: 'DDIM', steps: 2 } });
    const server = await servePolicy(policy, { port: 0, maxBatch: 2 });
    const { name, observations } = { name: policy.info.observations[0]?.name as string, observations: policy.info.observations };
    expect(observations.length).toBe(1);
    const state = { [name]: floats([0.1, 0.2, 0.3]) };
    const first = await OpenpiClient.connect(server.url);
    const { actions } = await first.client.ask(state);
    opened[0]?.gpuDevice.destroy();
    first.client.send(state);
    expect(await first.client.next()).toEqual({ text: expect.stringMatching(/^DeviceLostError/) as unknown });
    expect(await first.client.next()).toMatchObject({ close: 1011 });
    const second = await OpenpiClient.connect(server.url);
    expect((await second.client.ask(state)).actions).toEqual(actions);
    expect(opened.length).toBe(2);
    await server.close();
    await policy.dispose();
  });
});
