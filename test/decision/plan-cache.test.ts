import { describe, expect, it } from 'vitest';
import { loadPolicy } from '../../src/policy/load-policy.js';
import type { Decision } from '../../src/policy/policy.js';
import { USAGE } from '../../src/runtime/buffers.js';
import { useOwnTestDevice } from '../support/device.js';
import { DeviceCalls } from '../support/device-calls.js';
import { bits, decideTogether, noise } from '../support/golden-policy.js';
import { randomPolicy } from '../support/random-checkpoint.js';

describe('plans of many batch sizes', () => {
  const device = useOwnTestDevice();
  // A small network: what counts here is how many plans there are.
  const UNET = {
    actionDim: 2,
    horizon: 8,
    downDims: [16, 8],
    kernelSize: 3,
    groups: 4,
    stepEmbedDim: 8,
    conditioningDim: 6,
    scaleModulation: true,
  };

  it('are kept up to 16, the ones least recently used go first, and results stay right', async () => {
    const policy = await loadPolicy(randomPolicy(UNET, 3).source, { device: device(), strategy: { name: 'DDIM', steps: 2 } });
    const plan = (batch: number): Promise<Decision[]> => decideTogether(policy, 0, batch, (b) => ({ noise: noise(policy, b) }));
    const firstBits = (await plan(3)).map(bits);
    const buffer = device().gpuDevice.createBuffer({ size: 16, usage: USAGE.copyDestination });
    const calls = new DeviceCalls(device().gpuDevice, buffer);
    const live = (): number => (calls.counts.createBuffer ?? 0) - (calls.counts.destroy ?? 0);
    const compiles = async (batch: number): Promise<boolean> => {
      const before = calls.counts.createBindGroup ?? 0;
      await plan(batch);
      return (calls.counts.createBindGroup ?? 0) > before;
    };
    try {
      // With the plans of 1 (from loading) and 3 these are 16; 1 is used again and again.
      for (let batch = 4; batch <= 17; batch++) expect([await compiles(batch), await compiles(1)]).toEqual([true, false]);
      const full = live();
      for (let batch = 18; batch <= 24; batch++) {
        expect([await compiles(batch), await compiles(1)]).toEqual([true, false]);
        expect(live()).toBe(full);
      }
      expect([await compiles(24), await compiles(10), await compiles(9)]).toEqual([false, false, true]);
      expect((await plan(3)).map(bits)).toEqual(firstBits);
      expect(live()).toBe(full);
    } finally {
      calls.restore();
      buffer.destroy();
      await policy.dispose();
    }
  });
});
