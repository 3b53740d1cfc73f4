import { describe, expect, it, vi } from 'vitest';
import { KnownLengths } from '../../src/decision/known-lengths.js';
import { DeviceLostError } from '../../src/foundation/errors.js';
import { openTestDevice } from '../support/device.js';
import { loadGolden, observation, window } from '../support/golden-policy.js';

describe('a device that is lost', () => {
  it('while decisions are pending: they fail, later ones too, and the policy can be disposed of', async () => {
    const device = await openTestDevice();
    const policy = await loadGolden(device, 'state-bias-film');
    const results = [0, 1, 2].map((salt) => policy.decide(window(policy, salt)));
    await new Promise((resolve) => setTimeout(resolve, 3));
    device.gpuDevice.destroy();
    const settled = await Promise.allSettled(results);
    expect(settled.at(-1)?.status).toBe('rejected');
    // A decision that was ready in time may still be returned, but nothing fails for another reason.
    for (const result of settled) if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(DeviceLostError);
    await expect(policy.act(observation(policy))).rejects.toThrow(/device was destroyed.*Open a new device and load the policy again/);
    await expect(policy.warmup(2)).rejects.toThrow(DeviceLostError);
    await policy.dispose();
  });

  it('in the same turn as a call, and before one', async () => {
    const device = await openTestDevice();
    const policy = await loadGolden(device, 'state-bias-film');
    const pending = policy.decide(window(policy));
    device.gpuDevice.destroy();
    await expect(pending).rejects.toThrow(DeviceLostError);
    await expect(policy.decide(window(policy))).rejects.toThrow(DeviceLostError);
  });

  it('while the next decision is rehearsed: nothing fails but that decision', async () => {
    const now = performance.now.bind(performance);
    vi.spyOn(performance, 'now').mockImplementation(() => now() / 50);
    vi.spyOn(KnownLengths.prototype, 'isWithin').mockReturnValue(true);
    const device = await openTestDevice();
    const policy = await loadGolden(device, 'state-bias-film');
    const submit = vi.spyOn(device.gpuDevice.queue, 'submit');
    const preparing = policy.prepare();
    expect(submit).toHaveBeenCalledTimes(1);
    device.gpuDevice.destroy();
    expect(await preparing).toBeUndefined();
    await expect(policy.decide(window(policy))).rejects.toThrow(DeviceLostError);
    expect(await policy.prepare()).toBeUndefined();
    await policy.dispose();
    vi.restoreAllMocks();
  });

  it('by disposing of it: calls fail at once', async () => {
    const device = await openTestDevice();
    const policy = await loadGolden(device, 'state-bias-film');
    device.dispose();
    expect(() => device.assertUsable()).toThrow(/disposed of/);
    await expect(policy.decide(window(policy))).rejects.toThrow(DeviceLostError);
  });

  it.each([0.2, 0.7, 1])('while a policy is loading, at %f of it: loading fails', async (when) => {
    const device = await openTestDevice();
    const loading = loadGolden(device, 'state-bias-film', {
      onProgress: (fraction) => {
        if (fraction >= when) device.gpuDevice.destroy();
      },
    });
    await expect(loading).rejects.toThrow(DeviceLostError);
    await expect(loadGolden(device, 'state-bias-film')).rejects.toThrow(DeviceLostError);
  });
});
