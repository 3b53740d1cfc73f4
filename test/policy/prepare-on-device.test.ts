import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { memorySource } from '../../src/checkpoints/source.js';
import { KnownLengths } from '../../src/decision/known-lengths.js';
import { NonFiniteError, OptionError } from '../../src/foundation/errors.js';
import { loadPolicy } from '../../src/policy/load-policy.js';
import type { Policy } from '../../src/policy/policy.js';
import type { StrategyOptions } from '../../src/strategies/strategy-options.js';
import { ChangedCheckpoint } from '../support/changed-checkpoint.js';
import { useTestDevice } from '../support/device.js';
import { DeviceCalls } from '../support/device-calls.js';
import { facts } from '../support/episode-members.js';
import { window } from '../support/golden-policy.js';
import { smallPushTFiles } from '../support/small-push-t.js';

/** Decisions after which their length is known, the first one of the episode left out, which is of another schedule. */
const UNKNOWN = 4;
const STRATEGY: StrategyOptions = { name: 'STEP', budget: 2, coldStart: { steps: 4 } };
/** A busy machine takes no more than milliseconds of such a time, and waits for the device are still napped through. */
const SLOWER = 50;

describe('a decision that is rehearsed on the device', () => {
  const device = useTestDevice();
  beforeEach(() => {
    const now = performance.now.bind(performance);
    vi.spyOn(performance, 'now').mockImplementation(() => now() / SLOWER);
    // Software adapters are slow: here decisions are known to be short.
    const { note } = KnownLengths.prototype;
    vi.spyOn(KnownLengths.prototype, 'note').mockImplementation(function (this: KnownLengths, schedule) {
      note.call(this, schedule, 1);
    });
  });
  afterEach(() => void vi.restoreAllMocks());

  const load = (onDecision = (): void => {}): Promise<Policy> =>
    loadPolicy(memorySource('small policy', smallPushTFiles()), {
      device: device(),
      networks: { predictor: 'shift' },
      strategy: STRATEGY,
      onDecision,
    });

  /** Submits of `work`. */
  async function submits(work: () => Promise<unknown>): Promise<number> {
    const buffer = device().gpuDevice.createBuffer({ size: 16, usage: 8 });
    const calls = new DeviceCalls(device().gpuDevice, buffer);
    try {
      await work();
      return calls.counts.submit ?? 0;
    } finally {
      calls.restore();
      buffer.destroy();
    }
  }

  /** A policy that has decided so often that it rehearses. */
  async function rehearsing(): Promise<Policy> {
    const policy = await load();
    for (let i = 0; i < UNKNOWN; i++) {
      // Of a length that is not known nothing is rehearsed there.
      expect(await submits(async () => policy.prepare())).toBe(0);
      await policy.decide(window(policy, i));
    }
    return policy;
  }

  it('has the bits and the choices of one that was not', async () => {
    let reported = 0;
    const plain = await load();
    const prepared = await load(() => reported++);
    const rehearsed: number[] = [];
    for (let i = 0; i < 8; i++) {
      rehearsed.push(await submits(() => prepared.prepare()));
      expect(facts(await prepared.decide(window(prepared, i))), `decision ${i}`).toEqual(facts(await plain.decide(window(plain, i))));
    }
    expect(rehearsed).toEqual([0, 0, 0, 0, 1, 1, 1, 1]);
    expect(reported).toBe(8);
    await plain.dispose();
    await prepared.dispose();
  });

  it('waits for a rehearsal that it comes in the middle of, and is the same then, also on a device that two policies share', async () => {
    const policy = await rehearsing();
    const other = await rehearsing();
    const plain = await load();
    for (let i = 0; i < UNKNOWN; i++) await plain.decide(window(plain, i));
    let begun = 0;
    for (let i = UNKNOWN; i < UNKNOWN + 3; i++) {
      const expected = facts(await plain.decide(window(plain, i)));
      begun += await submits(async () => {
        const preparing = [policy.prepare(), other.prepare()];
        const [found, others] = await Promise.all([policy.decide(window(policy, i)), other.decide(window(other, i))]);
        await Promise.all(preparing);
        expect([facts(found), facts(others)]).toEqual([expected, expected]);
      });
    }
    // Six of them are decisions.
    expect(begun).toBeGreaterThan(6);
    await Promise.all([policy, other, plain].map((one) => one.dispose()));
  });

  it('may be disposed of, or begin another episode, in the middle of it', async () => {
    const policy = await rehearsing();
    const preparing = policy.prepare();
    policy.reset();
    const first = policy.decide(window(policy));
    await preparing;
    expect((await first).warm).toBe(false);
    await policy.decide(window(policy));
    const last = policy.prepare();
    await policy.dispose();
    await last;
  });

  it('that is not finite fails as it does unprepared', async () => {
    const changed = await new ChangedCheckpoint('state-ddim2').tensors((tensors) =>
      tensors.map((tensor) => {
        if (!tensor.name.includes('final_conv.1.weight')) return tensor;
        const elements = tensor.shape.reduce((all, size) => all * size, 1);
        return { ...tensor, dtype: 'F32' as const, data: new Float32Array(elements).fill(3e38) };
      }),
    );
    const policy = await loadPolicy(changed.source, { device: device(), strategy: { name: 'DDIM', steps: 2 } });
    for (let i = 0; i < 5; i++) {
      const asked = await submits(() => policy.prepare());
      expect(asked).toBe(i < 3 ? 0 : 1);
      await expect(policy.decide(window(policy))).rejects.toThrow(NonFiniteError);
    }
    await policy.dispose();
  });

  it('is asked for by options that are checked', async () => {
    const policy = await rehearsing();
    expect(await submits(() => policy.prepare({ on: 'host' }))).toBe(0);
    expect(await submits(() => policy.prepare({ on: 'device' }))).toBe(1);
    for (const bad of [{ on: 'gpu' }, { where: 'device' }, null]) expect(() => policy.prepare(bad as never)).toThrow(OptionError);
    await policy.dispose();
  });
});
