import { describe, expect, it } from 'vitest';
import { DeviceLimitError, DeviceLostError, NoAdapterError } from '../../src/foundation/errors.js';
import { createBuffer, USAGE } from '../../src/runtime/buffers.js';
import { ComputeDevice } from '../../src/runtime/device.js';
import { openTestDevice, useOwnTestDevice } from '../support/device.js';

const later = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

describe('ComputeDevice', () => {
  const device = useOwnTestDevice();

  it("says on which adapter it runs, and asks for the adapter's limits of buffers", async () => {
    expect(device().adapter.isFallback).toBe(true);
    expect(device().deviceClass).toBe(process.env['WARMSTEP_ADAPTER'] === 'lavapipe' ? 'lavapipe' : 'software');
    const adapter = await device().gpu.requestAdapter();
    expect(device().limits.maxStorageBufferBindingSize).toBe(adapter?.limits.maxStorageBufferBindingSize);
    expect(device().limits.maxBufferSize).toBe(adapter?.limits.maxBufferSize);
  });

  it('is not opened where there is no WebGPU, or no adapter', async () => {
    const without = { requestAdapter: async () => null } as unknown as GPU;
    await expect(ComputeDevice.open({ gpu: without })).rejects.toThrow(NoAdapterError);
    await expect(ComputeDevice.open({ gpu: without })).rejects.toThrow(/Install a Vulkan, Metal or D3D12 driver/);
    await expect(ComputeDevice.open()).rejects.toThrow(/navigator\.gpu is missing/);
  });

  it('refuses buffers beyond its limits, and names the limit', async () => {
    const { maxBufferSize, maxStorageBufferBindingSize } = device().limits;
    const huge = createBuffer(device(), 'weights', maxStorageBufferBindingSize + 16, USAGE.storage);
    await expect(huge).rejects.toThrow(DeviceLimitError);
    await expect(huge).rejects.toThrow(/"weights" needs \d+ bytes, the limit max\w+ of adapter ".+" is \d+/);
    await expect(createBuffer(device(), 'x', maxBufferSize + 16, USAGE.copyDestination)).rejects.toThrow(/maxBufferSize/);
  });

  it('settle hands on results and errors', async () => {
    await expect(device().settle(Promise.resolve(5))).resolves.toBe(5);
    await expect(device().settle(Promise.reject(new RangeError('x')))).rejects.toThrow(RangeError);
  });

  it('settle keeps nothing of what it waited for', async () => {
    const collect = globalThis.gc;
    if (!collect) throw new Error('run with --expose-gc, as vitest.config.ts does for this kind of file');
    const settled = await (async () => new WeakRef(await device().settle(Promise.resolve({ large: new Float64Array(1000) }))))();
    await later();
    collect();
    expect(settled.deref()).toBeUndefined();
  });

  it('an error outside any scope makes the device unusable, instead of wrong results', async () => {
    const other = await openTestDevice();
    other.gpuDevice.createBuffer({ label: 'no usage', size: 16, usage: 0 });
    await other.gpuDevice.queue.onSubmittedWorkDone();
    await later();
    // What Dawn says in several lines, in one: no "\\n" between words.
    expect(() => other.assertUsable()).toThrow(/^[^\\\n]*error outside any scope[^\\\n]*no usage[^\\\n]*$/);
    await expect(other.settle(Promise.resolve(1))).rejects.toThrow(DeviceLostError);
    other.dispose();
  });
});

describe('a lost device', () => {
  it('ends waits under way, and later ones at once', async () => {
    const device = await openTestDevice();
    const never = device.settle(new Promise(() => {}));
    device.gpuDevice.destroy();
    await expect(never).rejects.toThrow(DeviceLostError);
    await expect(device.settle(new Promise(() => {}))).rejects.toThrow(DeviceLostError);
    expect(() => device.assertUsable()).toThrow(/was destroyed/);
  });

  it('is the reason that is given, even where the work was rejected first', async () => {
    const device = await openTestDevice();
    device.gpuDevice.destroy();
    await expect(device.settle(Promise.reject(new Error('mapAsync was aborted')))).rejects.toThrow(DeviceLostError);
  });
});
