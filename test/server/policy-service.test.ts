import { describe, expect, it } from 'vitest';
import { CheckpointError, DeviceLostError, NoAdapterError } from '../../src/foundation/errors.js';
import { ServerBusyError } from '../../src/server/errors.js';
import type { ServerEvent } from '../../src/server/events.js';
import { PolicyService, type ServiceOptions } from '../../src/server/policy-service.js';
import { PretendPolicy } from '../support/pretend-policy.js';

const WINDOW = { 'observation.state': [1, 2, 1, 2] };

async function serviceOf(
  policy: PretendPolicy,
  options: Partial<ServiceOptions> = {},
): Promise<{ service: PolicyService; events: ServerEvent[] }> {
  const events: ServerEvent[] = [];
  const service = new PolicyService(policy, {
    maxBatch: 4,
    maxWaiting: 8,
    onEvent: (event) => events.push(event),
    reloadPausesMs: [0, 1, 1],
    ...options,
  });
  await service.whenReady();
  return { service, events };
}

/** A gate that the test opens. */
function gated(policy: PretendPolicy): () => void {
  let open = (): void => {};
  policy.gate = new Promise((resolve) => {
    open = resolve;
  });
  return open;
}

describe('a policy for many clients', () => {
  it('is warm for every size of a batch before it is ready', async () => {
    const policy = new PretendPolicy();
    let load = (_: PretendPolicy): void => {};
    const service = new PolicyService(
      new Promise<PretendPolicy>((resolve) => {
        load = resolve;
      }),
      { maxBatch: 3, maxWaiting: 8, onEvent: () => {} },
    );
    expect(service.status).toBe('loading');
    await expect(service.decide(policy.beginEpisode(), WINDOW)).rejects.toThrow(/the policy is loading/);
    load(policy);
    expect(await service.whenReady()).toBe(policy);
    expect([policy.warmed, service.status]).toEqual([[1, 2, 3], 'ready']);
  });

  it('decides at once for one, and together for those that came meanwhile', async () => {
    const policy = new PretendPolicy();
    const { service } = await serviceOf(policy);
    const open = gated(policy);
    const decisions = Array.from({ length: 7 }, () => service.decide(policy.beginEpisode(), WINDOW));
    expect(policy.batches).toEqual([1]);
    expect(service.queueLength).toBe(6);
    open();
    for (const { actions } of await Promise.all(decisions)) expect([...actions.slice(0, 2)]).toEqual([1, 2]);
    expect(policy.batches).toEqual([1, 4, 2]);
  });

  it('refuses one observation and decides for the others of its batch', async () => {
    const policy = new PretendPolicy();
    const { service } = await serviceOf(policy);
    const [first, bad, good] = [WINDOW, { 'observation.state': [1] }, WINDOW].map((window) =>
      service.decide(policy.beginEpisode(), window),
    );
    await expect(bad).rejects.toThrow(/must have 2 × 2 = 4 values/);
    expect((await Promise.all([first, good])).length).toBe(2);
  });

  it('refuses requests beyond the length of its queue', async () => {
    const policy = new PretendPolicy();
    const { service } = await serviceOf(policy, { maxWaiting: 2 });
    const open = gated(policy);
    const decisions = Array.from({ length: 3 }, () => service.decide(policy.beginEpisode(), WINDOW));
    await expect(service.decide(policy.beginEpisode(), WINDOW)).rejects.toBeInstanceOf(ServerBusyError);
    open();
    expect((await Promise.all(decisions)).length).toBe(3);
  });

  it('lets the running decision end when it stops, and refuses the others', async () => {
    const policy = new PretendPolicy();
    const { service } = await serviceOf(policy);
    const open = gated(policy);
    const [running, waiting] = [WINDOW, WINDOW].map((window) => service.decide(policy.beginEpisode(), window));
    const stopped = service.stop();
    await expect(waiting).rejects.toThrow(/the server is stopping/);
    open();
    await stopped;
    expect((await running)?.actions.length).toBe(6);
    await expect(service.decide(policy.beginEpisode(), WINDOW)).rejects.toThrow(/stopped/);
    await expect(service.whenReady()).rejects.toThrow(/stopping/);
  });
});

describe('a lost device', () => {
  it('fails what runs and what waits, is told of, and reopened; batches are warm again', async () => {
    const policy = new PretendPolicy();
    const { service, events } = await serviceOf(policy);
    const told: string[] = [];
    service.onLost((lost) => told.push(lost.message));
    const open = gated(policy);
    policy.isLost = true;
    policy.reloadFailures = [new NoAdapterError('none yet.'), new DeviceLostError('again.')];
    policy.warmed.length = 0;
    const decisions = [WINDOW, WINDOW].map((window) => service.decide(policy.beginEpisode(), window));
    open();
    for (const decision of decisions) await expect(decision).rejects.toBeInstanceOf(DeviceLostError);
    expect([service.status, told.length]).toEqual(['recovering', 1]);
    await service.whenReady();
    expect([service.status, policy.reloads, policy.warmed]).toEqual(['ready', 3, [2, 3, 4]]);
    expect(events.map(({ event }) => event)).toEqual(['device-lost', 'reloaded']);
    expect((await service.decide(policy.beginEpisode(), WINDOW)).actions.length).toBe(6);
    expect(service.metrics.value('deviceLosses')).toBe(1);
  });

  it.each([
    ['no adapter comes back', [1, 2, 3].map(() => new NoAdapterError('none.')), 3],
    ['the files have changed', [new CheckpointError('changed.')], 1],
  ])('that cannot be reopened, because %s, is the end', async (_, failures, attempts) => {
    const policy = new PretendPolicy();
    const { service } = await serviceOf(policy);
    policy.isLost = true;
    policy.reloadFailures = [...failures];
    await expect(service.decide(policy.beginEpisode(), WINDOW)).rejects.toBeInstanceOf(DeviceLostError);
    await expect(service.failure).rejects.toBe(failures.at(-1));
    expect([service.status, policy.reloads]).toEqual(['failed', attempts]);
    await expect(service.whenReady()).rejects.toBe(failures.at(-1));
  });

  it('is not reopened once the server stops', async () => {
    const policy = new PretendPolicy();
    const { service } = await serviceOf(policy, { reloadPausesMs: [20] });
    policy.isLost = true;
    await expect(service.decide(policy.beginEpisode(), WINDOW)).rejects.toBeInstanceOf(DeviceLostError);
    await service.stop();
    await new Promise((resolve) => setTimeout(resolve, 40));
    expect([service.status, policy.reloads]).toEqual(['stopped', 0]);
  });
});

describe('loading', () => {
  it('that fails is the end', async () => {
    const service = new PolicyService(Promise.reject(new CheckpointError('no such folder.')), {
      maxBatch: 1,
      maxWaiting: 1,
      onEvent: () => {},
    });
    await expect(service.failure).rejects.toThrow(/no such folder/);
    expect(service.status).toBe('failed');
  });
});
