import { afterEach, describe, expect, it, vi } from 'vitest';
import type { CheckpointSource } from '../../src/checkpoints/source.js';
import { ControlLoop } from '../../src/control/control-loop.js';
import { CheckpointError, DeviceLostError, NoAdapterError, OptionError } from '../../src/foundation/errors.js';
import type { Episode } from '../../src/policy/episode.js';
import { type LoadPolicyOptions, loadPolicy } from '../../src/policy/load-policy.js';
import type { Policy } from '../../src/policy/policy.js';
import { ComputeDevice } from '../../src/runtime/device.js';
import type { StrategyOptions } from '../../src/strategies/strategy-options.js';
import { openTestDevice, useOwnTestDevice } from '../support/device.js';
import { DDIM, decideOne, FALCON, facts, STEP } from '../support/episode-members.js';
import { observation, window } from '../support/golden-policy.js';
import { randomPolicy, SMALL_UNET } from '../support/random-checkpoint.js';

const small = (options: LoadPolicyOptions, source: CheckpointSource = randomPolicy(SMALL_UNET, 3).source): Promise<Policy> =>
  loadPolicy(source, { networks: { predictor: 'shift' }, strategy: STEP, ...options });

const STRATEGIES: readonly StrategyOptions[] = [STEP, FALCON, DDIM];
const begin = (policy: Policy): Episode[] => STRATEGIES.map((strategy, seed) => policy.beginEpisode({ strategy, seed }));

/** What the episodes decide at a tick, and what act() returns. */
async function tick(policy: Policy, episodes: readonly Episode[], index: number): Promise<object[]> {
  const found: object[] = [];
  for (const episode of episodes) found.push(facts(await decideOne(policy, episode, window(policy, index))));
  return [...found, [...(await policy.act(observation(policy, index)))]];
}

describe('a policy whose device was lost', () => {
  const other = useOwnTestDevice();
  /** Those that policies opened by themselves, oldest first. */
  let opened: ComputeDevice[] = [];
  function openForPolicies(fails: () => Error | undefined = () => undefined): void {
    const open = ComputeDevice.open.bind(ComputeDevice);
    vi.spyOn(ComputeDevice, 'open').mockImplementation(async (options = {}) => {
      // The suite brings an implementation, policies do not.
      if (options.gpu) return open(options);
      const error = fails();
      if (error) throw error;
      const device = await openTestDevice();
      opened.push(device);
      return device;
    });
  }
  const lose = (device: ComputeDevice | undefined): void => device?.gpuDevice.destroy();
  afterEach(() => {
    vi.restoreAllMocks();
    for (const device of opened) device.dispose();
    opened = [];
  });

  it('goes on after reload() as if nothing had happened: episodes, noise, and what act() still holds, bit by bit', async () => {
    const device = await openTestDevice();
    const policy = await small({ device });
    const undisturbed = await small({ device: other() });
    const [episodes, expected] = [begin(policy), begin(undisturbed)];
    for (const index of [0, 1]) expect(await tick(policy, episodes, index)).toEqual(await tick(undisturbed, expected, index));
    lose(device);
    await expect(decideOne(policy, episodes[0] as Episode, window(policy, 2))).rejects.toThrow(DeviceLostError);
    const without = policy.reload();
    await expect(without).rejects.toThrow(OptionError);
    await expect(without).rejects.toThrow(/give another one, reload\(\{ device \}\)/);
    const replacement = await openTestDevice();
    await policy.reload({ device: replacement });
    for (const index of [2, 3, 4]) expect(await tick(policy, episodes, index)).toEqual(await tick(undisturbed, expected, index));
    // It was given both, and disposes of neither.
    await policy.dispose();
    expect(replacement.isUsable).toBe(true);
    replacement.dispose();
    device.dispose();
    await undisturbed.dispose();
  });

  it('hands out what is left of the chunk in hand: it was decided before; the first tick that needs a decision fails', async () => {
    const device = await openTestDevice();
    const source = randomPolicy(SMALL_UNET, 3, { seed: 1, config: { n_action_steps: 4 } }).source;
    const policy = await small({ device, strategy: DDIM }, source);
    const undisturbed = await small({ device: other(), strategy: DDIM }, source);
    const expected: Float32Array[] = [];
    for (let index = 0; index < 8; index++) expected.push(await undisturbed.act(observation(policy, index)));
    expect(await policy.act(observation(policy, 0))).toEqual(expected[0]);
    lose(device);
    for (const index of [1, 2, 3]) expect(await policy.act(observation(policy, index))).toEqual(expected[index]);
    await expect(policy.act(observation(policy, 4))).rejects.toThrow(DeviceLostError);
    await expect(policy.act(observation(policy, 4))).rejects.toThrow(/call reload\(\) of the policy/);
    const replacement = await openTestDevice();
    await policy.reload({ device: replacement });
    for (const index of [4, 5, 6, 7]) expect(await policy.act(observation(policy, index))).toEqual(expected[index]);
    await policy.dispose();
    for (const used of [device, replacement]) used.dispose();
    await undisturbed.dispose();
  });

  it('reloads by itself where it was told to, during a decision or between two, again and again', async () => {
    openForPolicies();
    const lost: DeviceLostError[] = [];
    const policy = await small({ onDeviceLost: 'reload', onReload: (error) => lost.push(error) });
    const undisturbed = await small({ device: other() });
    const [episodes, expected] = [begin(policy), begin(undisturbed)];
    for (const index of [0, 1, 2, 3]) {
      if (index === 1) lose(opened.at(-1));
      const deciding = tick(policy, episodes, index);
      if (index === 2) {
        await new Promise((resolve) => setTimeout(resolve, 2));
        lose(opened.at(-1));
      }
      expect(await deciding).toEqual(await tick(undisturbed, expected, index));
    }
    expect(lost.length).toBeGreaterThanOrEqual(1);
    expect(lost.every((error) => error instanceof DeviceLostError)).toBe(true);
    expect(opened.map(({ isUsable }) => isUsable)).toEqual([...lost.map(() => false), true]);
    await policy.dispose();
    expect(opened.at(-1)?.isUsable).toBe(false);
    await undisturbed.dispose();
  });

  it('waits for drivers to come back, and says when they do not', { timeout: 60_000 }, async () => {
    let failures = 0;
    openForPolicies(() => (failures-- > 0 ? new NoAdapterError('the driver is being reset') : undefined));
    const policy = await small({ onDeviceLost: 'reload' });
    lose(opened.at(-1));
    failures = 2;
    await expect(policy.decide(window(policy))).resolves.toBeDefined();
    lose(opened.at(-1));
    failures = 3;
    const failing = policy.decide(window(policy));
    await expect(failing).rejects.toThrow(DeviceLostError);
    await expect(failing).rejects.toThrow(/Reloading failed 3 times.*the driver is being reset/);
    // It can still be tried again, and be disposed of.
    failures = 0;
    await policy.reload();
    await expect(policy.decide(window(policy))).resolves.toBeDefined();
    await policy.dispose();
  });

  it('is not reloaded from other files: that would be another policy in the same episodes', async () => {
    openForPolicies();
    let current = randomPolicy(SMALL_UNET, 3, { seed: 1 }).source;
    const source: CheckpointSource = {
      name: 'changing',
      list: () => current.list(),
      open: (file) => current.open(file),
      close: async () => {},
    };
    const policy = await small({}, source);
    current = randomPolicy(SMALL_UNET, 3, { seed: 2 }).source;
    const reloading = policy.reload();
    await expect(reloading).rejects.toThrow(CheckpointError);
    await expect(reloading).rejects.toThrow(/expected the files that the policy was loaded from/);
    expect(opened.map(({ isUsable }) => isUsable)).toEqual([true, false]);
    await expect(policy.decide(window(policy))).resolves.toBeDefined();
    await policy.dispose();
    await expect(policy.reload()).rejects.toThrow(/was disposed of/);
  });

  it('refuses to reload by itself onto devices of others', async () => {
    await expect(small({ device: other(), onDeviceLost: 'reload' })).rejects.toThrow(OptionError);
    await expect(small({ device: other(), onDeviceLost: 'retry' as 'fail' })).rejects.toThrow(/onDeviceLost.*fail, reload/);
  });

  it('that reloads by itself is late for a control loop, and nothing worse', { timeout: 60_000 }, async () => {
    openForPolicies();
    let reloads = 0;
    const policy = await small({ onDeviceLost: 'reload', onReload: () => reloads++ });
    const sent: number[] = [];
    const loop = new ControlLoop(policy, { tickMs: 5, late: 'hold', send: (action) => void sent.push(action.length), onStop: () => {} });
    let decisions = 0;
    const reached = (count: number): Promise<void> =>
      new Promise((resolve, reject) => {
        const off = loop.on('decision', () => {
          if (++decisions < count) return;
          off();
          resolve();
        });
        void loop.stopped.then(({ message }) => reject(new Error(message)), reject);
      });
    loop.on('tick', () => loop.observe(observation(policy, sent.length)));
    loop.observe(observation(policy));
    const first = reached(3);
    loop.start();
    await first;
    lose(opened.at(-1));
    await reached(8);
    expect(loop.state).toBe('running');
    expect(reloads).toBe(1);
    const later = reached(Number.MAX_SAFE_INTEGER).catch(() => {});
    await loop.stop();
    await later;
    await policy.dispose();
  });
});
