import { describe, expect, it } from 'vitest';
import { DisposedError } from '../../src/foundation/errors.js';
import { USAGE } from '../../src/runtime/buffers.js';
import type { StrategyOptions } from '../../src/strategies/strategy-options.js';
import { useTestDevice } from '../support/device.js';
import { DeviceCalls } from '../support/device-calls.js';
import { CASE, FALCON, facts, STEP } from '../support/episode-members.js';
import { loadGolden, observation, window } from '../support/golden-policy.js';

/** Decisions of one run, and of several. */
const STRATEGIES: readonly StrategyOptions[] = [STEP, FALCON];

describe('prepare', () => {
  const device = useTestDevice();

  it('changes no bit and no choice, where a decision takes one run and where it takes several', async () => {
    let reported = 0;
    const plain = await loadGolden(device(), CASE, { predictor: true });
    const prepared = await loadGolden(device(), CASE, { predictor: true, onDecision: () => reported++ });
    for (const strategy of STRATEGIES) {
      plain.useStrategy(strategy);
      prepared.useStrategy(strategy);
      for (let i = 0; i < 3; i++) {
        prepared.prepare();
        if (i === 2) prepared.prepare();
        const found = facts(await prepared.decide(window(prepared, i)));
        expect(found, `${strategy.name}, decision ${i}`).toEqual(facts(await plain.decide(window(plain, i))));
      }
    }
    expect(reported).toBe(3 * STRATEGIES.length);
    await plain.dispose();
    await prepared.dispose();
  });

  it('encodes what the decision submits, and asks nothing else of the device', async () => {
    const policy = await loadGolden(device(), CASE, { predictor: true, strategy: STEP });
    // The commands of the first one that is prepared are there already.
    for (let i = 0; i < 2; i++) await policy.decide(window(policy, i));
    policy.prepare();
    await policy.decide(window(policy, 2));
    const buffer = device().gpuDevice.createBuffer({ size: 16, usage: USAGE.copyDestination });
    const calls = new DeviceCalls(device().gpuDevice, buffer);
    try {
      for (let i = 0; i < 5; i++) {
        policy.prepare();
        await new Promise((resolve) => setImmediate(resolve));
        const before = calls.counts;
        await policy.decide(window(policy, i));
        expect(calls.counts.createCommandEncoder).toBe(before.createCommandEncoder);
      }
      expect(calls.counts).toEqual({ writeBuffer: 5, createCommandEncoder: 5, submit: 5, mapAsync: 5 });
    } finally {
      calls.restore();
      buffer.destroy();
      await policy.dispose();
    }
  });

  it('leaves calls that are under way alone, ticks that decide nothing, and policies that were disposed of', async () => {
    const policy = await loadGolden(device(), CASE, { predictor: true, strategy: STEP });
    const running = policy.decide(window(policy));
    policy.prepare();
    const first = await running;
    policy.reset();
    expect(facts(await policy.decide(window(policy)))).not.toEqual(facts(first));
    policy.reset();
    const actions: Float32Array[] = [];
    for (let tick = 0; tick < 10; tick++) {
      policy.prepare();
      actions.push(await policy.act(observation(policy, tick)));
    }
    expect(policy.info.actionSteps).toBeLessThan(10);
    expect(actions.every((action) => action.every(Number.isFinite))).toBe(true);
    await policy.dispose();
    expect(() => policy.prepare()).toThrow(DisposedError);
  });
});
