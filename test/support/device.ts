import { afterAll, beforeAll } from 'vitest';
import { createGpu } from '../../src/platform/node/gpu.js';
import { ComputeDevice, type OpenDeviceOptions } from '../../src/runtime/device.js';

/** What the adapters that the suite may run on say of themselves. */
const DESCRIPTIONS: Readonly<Record<string, RegExp>> = { swiftshader: /swiftshader/i, lavapipe: /llvmpipe/i };

export type TestDeviceOptions = Omit<OpenDeviceOptions, 'gpu'>;
/** What shared devices may differ in. Functions and tables have no name to be found by: they need a device of their own. */
export interface SharedDeviceOptions extends Pick<TestDeviceOptions, 'deviceClass' | 'timing' | 'profile' | 'isPolled'> {
  /** Where a command chose the adapter: what that says of itself. */
  readonly adapter?: string;
}

let gpu: Promise<GPU> | undefined;
const shared = new Map<string, Promise<ComputeDevice>>();

/**
 * Opens a device on the adapter of WARMSTEP_ADAPTER, which vitest.config.ts sets. Any other adapter is an error, never a
 * reason to skip: a suite that runs no kernels must not pass. The caller disposes of the device.
 */
export async function openTestDevice(options: TestDeviceOptions = {}): Promise<ComputeDevice> {
  const choice = process.env['WARMSTEP_ADAPTER'] ?? 'swiftshader';
  const expected = DESCRIPTIONS[choice];
  if (!expected) throw new Error(`WARMSTEP_ADAPTER is "${choice}"; tests run on ${Object.keys(DESCRIPTIONS).join(' or ')}`);
  gpu ??= createGpu(choice);
  const device = await ComputeDevice.open({ isPolled: true, inLaterTurn: setImmediate, ...options, gpu: await gpu });
  const { description, device: name, vendor } = device.adapter;
  const found = [vendor, name, description].join(' · ');
  if (!expected.test(found)) {
    device.dispose();
    throw new Error(`tests on ${choice} found the adapter "${found}"`);
  }
  return device;
}

/**
 * The device with these options that all files of a process share, with the pipelines that any of them compiled; it lives as
 * long as the process. A test that loses, breaks or counts something of a device takes one of its own.
 */
export function sharedTestDevice(
  options: SharedDeviceOptions = {},
  open: () => Promise<ComputeDevice> = () => openTestDevice(options),
): Promise<ComputeDevice> {
  const { deviceClass, timing = false, profile = 'safe', isPolled = true, adapter } = options;
  const key = JSON.stringify([deviceClass ?? 'by adapter', timing, profile, isPolled, adapter ?? 'of the suite']);
  let device = shared.get(key);
  if (!device) {
    device = open().then((opened) => Object.defineProperty(opened, 'dispose', { value: () => {} }));
    shared.set(key, device);
  }
  return device;
}

/** The shared device, for the tests of a file or `describe`. Call the result inside tests only. */
export function useTestDevice(options: SharedDeviceOptions = {}): () => ComputeDevice {
  let device: ComputeDevice | undefined;
  beforeAll(async () => {
    device = await sharedTestDevice(options);
    // Whoever broke it did not ask for a device of its own: its own tests may pass, and these would be blamed.
    device.assertUsable();
  });
  return () => given(device);
}

/** A device for the tests of a file or `describe` alone, disposed of after them. Call the result inside tests only. */
export function useOwnTestDevice(options: TestDeviceOptions = {}): () => ComputeDevice {
  let device: ComputeDevice | undefined;
  beforeAll(async () => {
    device = await openTestDevice(options);
  });
  afterAll(() => device?.dispose());
  return () => given(device);
}

function given(device: ComputeDevice | undefined): ComputeDevice {
  if (!device) throw new Error('the device is opened in beforeAll: ask for it inside a test');
  return device;
}
