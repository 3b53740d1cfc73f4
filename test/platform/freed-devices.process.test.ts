import { describe, expect, it } from 'vitest';
import { openDevice } from '../../src/platform/node/index.js';
import { disposedDevice, expectFreedDevices } from '../support/freed-devices.js';
import { COUNTS_RESOURCES, settledResources } from '../support/resources.js';

describe('a device that was disposed of', () => {
  it('is collected: nothing that it listened to holds it', async () => {
    const device = await disposedDevice();
    await settledResources();
    expect(device.deref()).toBeUndefined();
  });

  it('says so, whatever it is asked for', async () => {
    const device = await openDevice();
    device.dispose();
    device.dispose();
    expect(() => device.gpuDevice).toThrow(/disposed of.*Open a new device/);
    expect(() => device.limits).toThrow(/disposed of/);
  });

  it.runIf(COUNTS_RESOURCES)('leaves no thread and no file descriptor behind, though it is held', { timeout: 60_000 }, async () => {
    await expectFreedDevices('opened and compiled with', 8, 6e6);
  });

  // What a collection would free must not pile up before there is one.
  it.runIf(COUNTS_RESOURCES)('has the drivers in common with those opened before', async () => {
    const before = await settledResources();
    const { readdirSync } = await import('node:fs');
    for (let i = 0; i < 20; i++) (await openDevice()).dispose();
    expect(readdirSync('/proc/self/fd').length).toBeLessThan(before.descriptors + 5);
    expect(readdirSync('/proc/self/task').length).toBeLessThan(before.threads + 10);
  });
});
