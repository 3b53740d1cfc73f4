import { describe, expect, it } from 'vitest';
import { DeviceLimitError } from '../../src/foundation/errors.js';
import { openDevice } from '../../src/platform/node/device.js';
import { compilePlan } from '../../src/runtime/compile-plan.js';
import type { ComputeDevice } from '../../src/runtime/device.js';
import { PlanBuilder } from '../../src/runtime/plan-builder.js';
import { timeRuns } from '../../src/runtime/timing.js';
import { sharedTestDevice, useTestDevice } from '../support/device.js';
import { bits, loadGolden, window } from '../support/golden-policy.js';

const TIMED = { timing: true } as const;

/** Adds 1 to values[0]. */
const COUNT_UP = {
  label: 'count up',
  code: `@group(0) @binding(0) var<storage, read_write> values: array<u32>;
    @compute @workgroup_size(1) fn main() { values[0] += 1u; }`,
  bindings: [{ name: 'values', access: 'read_write', type: 'array<u32>' }],
} as const;

describe('GPU timing', () => {
  const plain = useTestDevice();

  /** One for all tests, opened as programs do: the platform has timestamps unrounded. */
  const timed = async (task: (device: ComputeDevice) => Promise<void>): Promise<void> =>
    task(await sharedTestDevice({ ...TIMED, adapter: 'of openDevice' }, () => openDevice(TIMED)));

  it('times every dispatch of a decision, in order', () =>
    timed(async (device) => {
      const policy = await loadGolden(device, 'step-forward-noise', { predictor: true, strategy: { name: 'STEP', budget: 2 } });
      await policy.decide(window(policy, 0));
      const { dispatches, gpuNs, wallMs } = await policy.timeDecision(window(policy, 1));
      expect(dispatches.length).toBe(policy.info.dispatches);
      expect([...new Set(dispatches.map(({ segment, step }) => `${segment} ${step ?? ''}`.trim()))]).toEqual([
        'observe',
        'predict',
        'start',
        'evaluate 0',
        'evaluate 1',
        'finish',
      ]);
      for (const { gpuNs: own, boundBytes, label, workgroups } of dispatches) {
        expect(own, label).toBeGreaterThanOrEqual(0);
        expect(boundBytes, label).toBeGreaterThan(0);
        expect(
          workgroups.every((count) => count > 0),
          label,
        ).toBe(true);
      }
      const sum = dispatches.reduce((all, dispatch) => all + dispatch.gpuNs, 0);
      expect(sum).toBeGreaterThan(0);
      // Passes follow one another, and all of them lie between the submit and the read-back.
      expect(sum).toBeLessThanOrEqual(gpuNs * 1.001);
      expect(gpuNs / 1e6).toBeLessThan(wallMs);
      await policy.dispose();
    }));

  it('changes nothing in the episode: what is decided next is the same, bit by bit', () =>
    timed(async (device) => {
      const results = [];
      for (const measured of [false, true]) {
        const policy = await loadGolden(device, 'step-forward-noise', { predictor: true, strategy: { name: 'STEP', budget: 2 } });
        await policy.decide(window(policy, 0));
        if (measured) await policy.timeDecision(window(policy, 7));
        results.push(bits(await policy.decide(window(policy, 1))));
        await policy.dispose();
      }
      expect(results[1]).toEqual(results[0]);
    }));

  it('has timestamps finer than the 65,536 ns that Dawn rounds to by itself', () =>
    timed(async (device) => {
      const policy = await loadGolden(device, 'state-ddim2');
      const { dispatches } = await policy.timeDecision(window(policy));
      expect(dispatches.some(({ gpuNs }) => gpuNs % 65_536 !== 0)).toBe(true);
      await policy.dispose();
    }));

  it('measures more dispatches than fit into one query set', () =>
    timed(async (device) => {
      const builder = new PlanBuilder(device.deviceClass);
      const values = builder.buffer('values', 16);
      builder.segment('count');
      builder.dispatch(COUNT_UP, [{ buffer: values }], [1, 1, 1]);
      const plan = await compilePlan(device, builder);
      const runs = Array.from({ length: 2500 }, () => ({ segment: 'count' }));
      const { dispatches, gpuNs } = await timeRuns(plan, runs, (encoder) => encoder.clearBuffer(plan.gpuBuffer(values)));
      expect(dispatches.length).toBe(2500);
      expect(dispatches.every((dispatch) => dispatch.gpuNs >= 0)).toBe(true);
      expect(gpuNs).toBeGreaterThanOrEqual(dispatches.reduce((all, dispatch) => all + dispatch.gpuNs, 0));
      plan.destroy();
    }));

  it('refuses a device that was not opened for it, and says how to open one', async () => {
    const policy = await loadGolden(plain(), 'state-ddim2');
    const refused = policy.timeDecision(window(policy));
    await expect(refused).rejects.toThrow(DeviceLimitError);
    await expect(refused).rejects.toThrow(/timing: true/);
    await policy.dispose();
  });
});
