import { afterEach, describe, expect, it, vi } from 'vitest';
import { DisposedError } from '../../src/foundation/errors.js';
import { USAGE } from '../../src/runtime/buffers.js';
import type { StrategyOptions } from '../../src/strategies/strategy-options.js';
import { useTestDevice } from '../support/device.js';
import { DeviceCalls } from '../support/device-calls.js';
import { CASE, FALCON, facts, STEP } from '../support/episode-members.js';
import { loadGolden, observation, window } from '../support/golden-policy.js';
import { nextTurn, prepare, stopTime } from '../support/prepare.js';

/** Decisions of one run, and of several. */
const STRATEGIES: readonly StrategyOptions[] = [STEP, FALCON];

describe('prepare', () => {
  const device = useTestDevice();
  afterEach(() => void vi.restoreAllMocks());

  /** Counts what `work` asks of the device. */
  async function counting(work: (calls: DeviceCalls) => Promise<void>): Promise<void> {
    const buffer = device().gpuDevice.createBuffer({ size: 16, usage: USAGE.copyDestination });
    const calls = new DeviceCalls(device().gpuDevice, buffer);
    try {
      await work(calls);
    } finally {
      calls.restore();
      buffer.destroy();
    }
  }

  it('changes no bit and no choice, where a decision takes one run and where it takes several', async () => {
    let reported = 0;
    const plain = await loadGolden(device(), CASE, { predictor: true });
    const prepared = await loadGolden(device(), CASE, { predictor: true, onDecision: () => reported++ });
    for (const strategy of STRATEGIES) {
      plain.useStrategy(strategy);
      prepared.useStrategy(strategy);
      // Until that has happened there is nothing to prepare.
      await nextTurn();
      for (let i = 0; i < 3; i++) {
        await prepare(prepared);
        if (i === 2) await prepare(prepared);
        const found = facts(await prepared.decide(window(prepared, i)));
        expect(found, `${strategy.name}, decision ${i}`).toEqual(facts(await plain.decide(window(plain, i))));
      }
    }
    expect(reported).toBe(3 * STRATEGIES.length);
    await plain.dispose();
    await prepared.dispose();
  });

  it('encodes what the decision submits, and asks nothing else of the device', async () => {
    stopTime();
    const policy = await loadGolden(device(), CASE, { predictor: true, strategy: STEP });
    // The commands of the first one that is prepared are there already.
    for (let i = 0; i < 2; i++) await policy.decide(window(policy, i));
    policy.prepare({ on: 'host' });
    await policy.decide(window(policy, 2));
    await counting(async (calls) => {
      for (let i = 0; i < 5; i++) {
        policy.prepare({ on: 'host' });
        await nextTurn();
        const before = calls.counts;
        await policy.decide(window(policy, i));
        expect(calls.counts.createCommandEncoder).toBe(before.createCommandEncoder);
      }
      expect(calls.counts).toEqual({ writeBuffer: 5, createCommandEncoder: 5, submit: 5, mapAsync: 5 });
    });
    await policy.dispose();
  });

  it('leaves calls that are under way alone, ticks that decide nothing, and policies that were disposed of', async () => {
    stopTime();
    const policy = await loadGolden(device(), CASE, { predictor: true, strategy: STEP });
    const { actionSteps } = policy.info;
    expect(actionSteps).toBeGreaterThan(1);
    // From now on the commands of usual decisions are left to prepare().
    for (let i = 0; i < 3; i++) {
      policy.prepare({ on: 'host' });
      await policy.decide(window(policy, i));
      await nextTurn();
    }
    await counting(async (calls) => {
      const running = policy.decide(window(policy, 3));
      const { createCommandEncoder: made } = calls.counts;
      policy.prepare({ on: 'host' });
      expect(calls.counts.createCommandEncoder).toBe(made);
      await running;
      await nextTurn();
      // Decides, and makes commands in idle turns from then on; two decisions that are prepared leave them to prepare() again.
      for (let decision = 0; decision < 4; decision++) {
        policy.prepare({ on: 'host' });
        await policy.act(observation(policy, decision * actionSteps));
        await nextTurn();
        const before = calls.counts;
        for (let tick = 1; tick < actionSteps; tick++) {
          policy.prepare({ on: 'host' });
          await policy.act(observation(policy, decision * actionSteps + tick));
        }
        expect(calls.counts).toEqual(before);
      }
      const before = calls.counts.createCommandEncoder ?? 0;
      policy.prepare({ on: 'host' });
      expect(calls.counts.createCommandEncoder).toBe(before + 1);
    });
    await policy.dispose();
    expect(() => policy.prepare()).toThrow(DisposedError);
  });
});
