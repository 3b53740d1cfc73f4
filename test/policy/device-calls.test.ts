import { describe, expect, it } from 'vitest';
import { USAGE } from '../../src/runtime/buffers.js';
import { useTestDevice } from '../support/device.js';
import { DeviceCalls } from '../support/device-calls.js';
import { decideTogether, type GoldenOptions, loadGolden, noise, observation, window } from '../support/golden-policy.js';

const DECISIONS = 25;

describe('a warm decision', () => {
  const device = useTestDevice();

  function countedCalls(): DeviceCalls {
    const { gpuDevice } = device();
    const buffer = gpuDevice.createBuffer({ size: 16, usage: USAGE.copyDestination });
    buffer.destroy();
    return new DeviceCalls(gpuDevice, buffer);
  }

  it.each<[string, GoldenOptions]>([
    ['state-bias-film', { strategy: { name: 'DDIM', steps: 2 } }],
    ['state-bias-film', { strategy: { name: 'DDPM', steps: 2 } }],
    ['state-bias-film', { predictor: 'shift' }],
    ['step-forward-noise', { predictor: true, strategy: { name: 'STEP', budget: 1 } }],
  ])('%s %o: one write, one submit, one read-back, and nothing is created', async (name, options) => {
    const policy = await loadGolden(device(), name, options);
    // A cold decision, and a warm one that leaves the commands of the next warm one behind.
    await policy.decide(window(policy));
    await policy.decide(window(policy));
    const calls = countedCalls();
    try {
      for (let i = 0; i < DECISIONS; i++) await policy.decide(window(policy, i), { noise: noise(policy, i) });
      expect(calls.counts).toEqual({
        writeBuffer: DECISIONS,
        createCommandEncoder: DECISIONS,
        submit: DECISIONS,
        mapAsync: DECISIONS,
      });
    } finally {
      calls.restore();
      await policy.dispose();
    }
  });

  it('is all that act() costs, once per actionSteps ticks; the ticks between touch nothing', async () => {
    const policy = await loadGolden(device(), 'state-bias-film');
    const calls = countedCalls();
    try {
      const { actionSteps } = policy.info;
      for (let tick = 0; tick < 3 * actionSteps; tick++) {
        await policy.act(observation(policy, tick));
        expect(calls.counts.submit).toBe(Math.floor(tick / actionSteps) + 1);
      }
      // The first decision after loading is no exception: loading compiled, rehearsed and encoded it. Decisions leave the
      // commands of the next one behind, so that the last ones are still to be used.
      expect(calls.counts).toEqual({ writeBuffer: 3, createCommandEncoder: 3, submit: 3, mapAsync: 3 });
    } finally {
      calls.restore();
      await policy.dispose();
    }
  });

  it('creates things again only for a batch size or a schedule that was not there before', async () => {
    const policy = await loadGolden(device(), 'state-bias-film');
    const calls = countedCalls();
    try {
      await decideTogether(policy, 0, 2);
      expect(calls.counts.createBindGroup).toBeGreaterThan(0);
      const compiled = calls.counts.createBindGroup;
      await decideTogether(policy, 1, 2);
      policy.useStrategy({ name: 'DDIM', steps: 1 });
      await decideTogether(policy, 1, 2);
      expect(calls.counts.createBindGroup).toBe(compiled);
      policy.useStrategy({ name: 'DDIM', steps: 9 });
      await decideTogether(policy, 1, 2);
      expect(calls.counts.createBindGroup).toBeGreaterThan(compiled as number);
    } finally {
      calls.restore();
      await policy.dispose();
    }
  });
});
