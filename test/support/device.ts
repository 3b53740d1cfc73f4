import { afterAll, beforeAll } from 'vitest';
import { createGpu } from '../../src/platform/node/gpu.js';
import { ComputeDevice, type OpenDeviceOptions } from '../../src/runtime/device.js';

/** What the adapters that the suite may run on say of themselves. */
const DESCRIPTIONS: Readonly<Record<string, RegExp>> = { swiftshader: /swiftshader/i, lavapipe: /llvmpipe/i };

let gpu: Promise<GPU> | undefined;

/**
 * Opens a device on the adapter of WARMSTEP_ADAPTER, which vitest.config.ts sets. Any other adapter is an error, never a
 * reason to skip: a suite that runs no kernels must not pass. The caller disposes of the device.
 */
export async function openTestDevice(options: Omit<OpenDeviceOptions, 'gpu'> = {}): Promise<ComputeDevice> {
  const choice = process.env['WARMSTEP_ADAPTER'] ?? 'swiftshader';
  const expected = DESCRIPTIONS[choice];
  if (!expected) throw new Error(`WARMSTEP_ADAPTER is "${choice}"; tests run on ${Object.keys(DESCRIPTIONS).join(' or ')}`);
  gpu ??= createGpu(choice);
  const device = await ComputeDevice.open({ ...options, gpu: await gpu });
  const { description, device: name, vendor } = device.adapter;
  const found = [vendor, name, description].join(' · ');
  if (!expected.test(found)) {
    device.dispose();
    throw new Error(`tests on ${choice} found the adapter "${found}"`);
  }
  return device;
}

/** One device for all tests of a file or `describe`, disposed of after them. Call the result inside tests only. */
export function useTestDevice(options: Omit<OpenDeviceOptions, 'gpu'> = {}): () => ComputeDevice {
  let device: ComputeDevice | undefined;
  beforeAll(async () => {
    device = await openTestDevice(options);
  });
  afterAll(() => device?.dispose());
  return () => {
    if (!device) throw new Error('the device is opened in beforeAll: ask for it inside a test');
    return device;
  };
}
