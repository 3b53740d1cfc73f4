import { expect } from 'vitest';
import { loadPolicy } from '../../src/policy/load-policy.js';
import type { ComputeDevice } from '../../src/runtime/device.js';
import { noise, window } from './golden-policy.js';
import { randomPolicy, SMALL_UNET } from './random-checkpoint.js';

const LIMIT_BYTES = 5e6;

/** Memory of the process after everything that can be collected was. */
async function settledMemory(): Promise<{ rss: number; heap: number }> {
  const collect = globalThis.gc;
  if (!collect) throw new Error('run with --expose-gc, as vitest.config.ts does for this kind of file');
  for (let i = 0; i < 3; i++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { rss, heapUsed, external } = process.memoryUsage();
  return { rss, heap: heapUsed + external };
}

/**
 * Fails where memory grows by 5 MB or more over these decisions, after those to warm up: what JavaScript holds, inside and
 * outside of the heap, or that of the whole process, drivers included.
 */
export async function expectSteadyMemory(
  device: ComputeDevice,
  of: 'script' | 'process',
  warmUp: number,
  decisions: number,
): Promise<void> {
  // A small network: what could leak is per decision and per dispatch, not per weight.
  const policy = await loadPolicy(randomPolicy(SMALL_UNET, 3).source, {
    device,
    networks: { predictor: 'shift' },
    strategy: { name: 'STEP', budget: 1, stall: {}, coldStart: { steps: 1 } },
  });
  const windows = [0, 1, 2, 3].map((salt) => window(policy, salt));
  const given = noise(policy);
  const run = async (count: number): Promise<void> => {
    // Now and then an episode ends, as in use; every other decision draws its own noise.
    for (let i = 0; i < count; i++) {
      if (i % 100 === 0) policy.reset();
      await policy.decide(windows[i % windows.length]!, i % 2 === 0 ? {} : { noise: given });
    }
  };
  await run(warmUp);
  const before = await settledMemory();
  await run(decisions);
  const after = await settledMemory();
  expect(after.heap - before.heap).toBeLessThan(LIMIT_BYTES);
  if (of === 'process') expect(after.rss - before.rss).toBeLessThan(LIMIT_BYTES);
  await policy.dispose();
}
