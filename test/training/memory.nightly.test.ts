import { describe, expect, it } from 'vitest';
import type { TrainingEvent } from '../../src/training/loop/events.js';
import { memoryStorage } from '../../src/training/loop/run-storage.js';
import { countBuffers, type DeviceHoldings } from '../support/buffer-ledger.js';
import { useOwnTestDevice } from '../support/device.js';
import { type Resources, settledResources } from '../support/resources.js';
import { tinyPolicyRun, tinyPredictorRun } from '../support/training-runs.js';

/** The JavaScript engine compiles hot functions until then, and keeps that once. */
const WARM_UP = 1000;
const STEPS = WARM_UP + 2000;
const EVERY = 500;
const HEAP_LIMIT_BYTES = 5e6;
/**
 * Drivers' allocators keep what threads freed, in leaps that become rarer: 3 to 14 MB were seen over two thousand steps. Of a single buffer of a
 * step's activations, two thousand are 100 MB.
 */
const PROCESS_LIMIT_BYTES = 20e6;

interface Reading extends Resources {
  readonly step: number;
  readonly device: DeviceHoldings;
}

/** Small networks: what could leak is per step, per batch, per evaluation and per checkpoint, not per weight. */
describe(`two thousand steps of training`, () => {
  const device = useOwnTestDevice();

  it.each([
    ['a policy', tinyPolicyRun],
    ['a predictor', tinyPredictorRun],
  ] as const)(
    'of %s: as many buffers and bytes on the device as before them, and as much memory as before, within noise',
    async (what, run) => {
      const holdings = countBuffers(device());
      const readings: Reading[] = [];
      const onEvent = async (event: TrainingEvent): Promise<void> => {
        if (event.kind !== 'checkpoint') return;
        readings.push({ step: event.step, device: holdings(), ...(await settledResources()) });
      };
      await run(device(), memoryStorage(), { steps: STEPS, metricsEvery: 10, evaluateEvery: EVERY, saveEvery: EVERY, onEvent });
      // What a whole run leaves behind, evaluations included.
      expect(holdings()).toEqual({ buffers: 0, bytes: 0 });
      console.info(
        readings.map(({ step, heap, rss }) => `${step}: heap ${(heap / 1e6).toFixed(2)}, process ${(rss / 1e6).toFixed(2)} MB`).join('\n'),
      );
      const kept = readings.filter(({ step }) => step >= WARM_UP);
      expect(kept.map(({ step }) => step)).toEqual([1000, 1500, 2000, 2500, 3000]);
      const [before, after] = [kept[0] as Reading, kept.at(-1) as Reading];
      const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(2);
      console.info(
        `${what}: ${before.device.buffers} buffers of ${before.device.bytes} bytes; heap ${megabytes(after.heap - before.heap)} MB more, ` +
          `process ${megabytes(after.rss - before.rss)} MB more`,
      );
      expect(before.device.buffers).toBeGreaterThan(20);
      for (const { device: held } of kept) expect(held).toEqual(before.device);
      expect(after.heap - before.heap).toBeLessThan(HEAP_LIMIT_BYTES);
      expect(after.rss - before.rss).toBeLessThan(PROCESS_LIMIT_BYTES);
      expect(after.descriptors).toBeLessThanOrEqual(before.descriptors);
      expect(after.threads).toBeLessThanOrEqual(before.threads);
    },
    3_600_000,
  );
});
