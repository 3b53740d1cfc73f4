import { describe, expect, it } from 'vitest';
import { DisposedError } from '../../src/foundation/errors.js';
import type { Decision } from '../../src/policy/policy.js';
import { SerialQueue } from '../../src/policy/queue.js';
import { useTestDevice } from '../support/device.js';
import { bits, loadGolden, noise, observation, window } from '../support/golden-policy.js';

describe('SerialQueue', () => {
  it('runs one task at a time, in order, and goes on after one that failed', async () => {
    const queue = new SerialQueue();
    const log: string[] = [];
    const task =
      (name: string, fails = false) =>
      async (): Promise<string> => {
        log.push(`${name} begins`);
        await new Promise((resolve) => setTimeout(resolve, 5));
        log.push(`${name} ends`);
        if (fails) throw new Error(name);
        return name;
      };
    const results = await Promise.allSettled([queue.run(task('a')), queue.run(task('b', true)), queue.run(task('c'))]);
    expect(log).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });
});

describe('overlapping calls', () => {
  const device = useTestDevice();

  it('of act() give what they give one after the other', async () => {
    const policy = await loadGolden(device(), 'step-forward-noise', { predictor: 'shift' });
    const patient = await loadGolden(device(), 'step-forward-noise', { predictor: 'shift' });
    const ticks = Array.from({ length: 2 * policy.info.actionSteps + 1 }, (_, tick) => tick);
    const overlapping = await Promise.all(ticks.map((tick) => policy.act(observation(policy, tick))));
    const expected: Float32Array[] = [];
    for (const tick of ticks) expected.push(await patient.act(observation(patient, tick)));
    expect(overlapping).toEqual(expected);
    await policy.dispose();
    await patient.dispose();
  });

  it('of decide(), act(), reset() and useStrategy() are carried out in the order of the calls', async () => {
    const decisions: Decision[] = [];
    const policy = await loadGolden(device(), 'step-forward-noise', {
      predictor: 'shift',
      onDecision: (decision) => decisions.push(decision),
    });
    const first = policy.decide(window(policy, 0));
    const second = policy.act(observation(policy, 1));
    policy.reset();
    const third = policy.decide(window(policy, 2));
    const fourth = policy.decide(window(policy, 3));
    policy.useStrategy({ name: 'DDIM', steps: 3 });
    const fifth = policy.decide(window(policy, 4));
    await Promise.all([first, second, third, fourth, fifth]);
    expect(decisions.map(({ warm }) => warm)).toEqual([false, true, false, true, false]);
    expect(decisions.map(({ timesteps }) => timesteps.length)).toEqual([16, 2, 16, 2, 3]);
    expect(decisions[0]).toBe(await first);
    expect(decisions[4]).toBe(await fifth);
    await policy.dispose();
  });

  it('read their observation when they are made: the array may be filled again at once', async () => {
    const policy = await loadGolden(device(), 'state-bias-film');
    const expected = await policy.decide(window(policy, 3), { previous: [], seed: 1 });
    const reused = window(policy, 3) as Record<string, Float32Array>;
    const pending = policy.decide(reused, { previous: [], seed: 1 });
    for (const values of Object.values(reused)) values.fill(0);
    expect(bits(await pending)).toEqual(bits(expected));
    await policy.dispose();
  });

  it('of two policies on one device do not disturb each other', async () => {
    const a = await loadGolden(device(), 'state-bias-film');
    const b = await loadGolden(device(), 'step-forward-noise', { predictor: 'shift' });
    const run = (policy: typeof a): Promise<Decision[]> => {
      policy.reset();
      return Promise.all([0, 1, 2].map((salt) => policy.decide(window(policy, salt), { noise: noise(policy, salt) })));
    };
    const alone = [await run(a), await run(b)];
    const together = await Promise.all([run(a), run(b)]);
    expect(together.map((results) => results.map(bits))).toEqual(alone.map((results) => results.map(bits)));
    await a.dispose();
    await b.dispose();
  });
});

describe('dispose', () => {
  const device = useTestDevice();

  it('lets calls that were made before finish, and refuses later ones', async () => {
    const policy = await loadGolden(device(), 'state-bias-film');
    const pending = policy.decide(window(policy));
    const queued = policy.act(observation(policy));
    const disposal = policy.dispose();
    await expect(policy.decide(window(policy))).rejects.toThrow(DisposedError);
    await expect(policy.act(observation(policy))).rejects.toThrow(/disposed of; load it again/);
    await expect(policy.warmup()).rejects.toThrow(DisposedError);
    expect((await pending).warm).toBe(false);
    expect(await queued).toHaveLength(policy.info.actionDim);
    await disposal;
    expect(() => policy.reset()).toThrow(DisposedError);
  });

  it('waits for the same end when it is called again, and calls onDispose once', async () => {
    let disposals = 0;
    const policy = await loadGolden(device(), 'state-bias-film', { onDispose: () => disposals++ });
    const pending = policy.decide(window(policy));
    void policy.dispose();
    await policy.dispose();
    expect(disposals).toBe(1);
    await pending;
  });

  it('leaves other policies of the device alone', async () => {
    const first = await loadGolden(device(), 'state-bias-film');
    const second = await loadGolden(device(), 'state-bias-film');
    const expected = bits(await second.decide(window(second), { previous: [], seed: 1 }));
    await first.dispose();
    expect(bits(await second.decide(window(second), { previous: [], seed: 1 }))).toEqual(expected);
    await second.dispose();
  });
});
