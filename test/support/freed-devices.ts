import { expect } from 'vitest';
import { startKernel } from '../../kernels/sampling/start.wgsl.js';
import { OptionError } from '../../src/foundation/errors.js';
import { loadPolicy, openDevice } from '../../src/platform/node/index.js';
import type { ComputeDevice } from '../../src/runtime/device.js';
import { randomPolicy, SMALL_UNET } from './random-checkpoint.js';
import { settledResources } from './resources.js';

/**
 * What is done with the device. Compiling is what makes Dawn start threads of its own for a device, and a policy is what holds
 * most of it.
 */
export const USES = {
  async 'opened and compiled with'(kept: object[]): Promise<void> {
    const device = await openDevice();
    await device.pipelines.get(startKernel(4, 4));
    device.dispose();
    kept.push(device);
  },
  async 'of a policy'(kept: object[]): Promise<void> {
    const policy = await loadPolicy(randomPolicy(SMALL_UNET, 3).source);
    await policy.dispose();
    kept.push(policy);
  },
  async 'of a load that failed'(): Promise<void> {
    const controller = new AbortController();
    const loading = loadPolicy(randomPolicy(SMALL_UNET, 3).source, {
      onProgress: () => controller.abort(new OptionError('enough')),
      signal: controller.signal,
    });
    // Not `rejects`: vitest keeps what it was given until the test is over, and an error holds the frames that it was made in.
    const failure = await loading.then(() => 'none', String);
    if (!failure.includes('enough')) throw new Error(`expected the load to be aborted, found ${failure}`);
  },
} as const satisfies Readonly<Record<string, (kept: object[]) => Promise<void>>>;

/** Bytes that JavaScript may hold more afterwards, for each object that is kept. */
const KEPT_BYTES = 250e3;

/**
 * Uses up `count` devices and fails where anything of them is left: descriptors, threads, or memory of JavaScript. Programs may
 * hold on to what they disposed of, so it is held here. The process may grow by `growth` bytes per device: Dawn and the drivers
 * keep 0.2 MB of a device and as much of a kernel, whoever opens them (docs/reliability.md). Returns what it did grow by.
 */
export async function expectFreedDevices(use: keyof typeof USES, count: number, growth: number): Promise<number> {
  const kept: object[] = [];
  const run = async (times: number): Promise<void> => {
    for (let i = 0; i < times; i++) await USES[use](kept);
  };
  // The first ones bring what stays: drivers, and code that is compiled once.
  await run(Math.ceil(count / 4));
  const before = await settledResources();
  await run(count);
  const after = await settledResources();
  expect({ descriptors: after.descriptors - before.descriptors, threads: after.threads - before.threads }).toEqual({
    descriptors: 0,
    threads: 0,
  });
  expect(after.heap - before.heap).toBeLessThan(2e6 + count * KEPT_BYTES);
  const grown = (after.rss - before.rss) / count;
  expect(grown).toBeLessThan(growth);
  // Held until here.
  kept.length = 0;
  return grown;
}

/** Whether a disposed device can be collected although nobody looked at it again. */
export async function disposedDevice(): Promise<WeakRef<ComputeDevice>> {
  const device = await openDevice();
  device.dispose();
  return new WeakRef(device);
}
