import { describe, expect, it } from 'vitest';
import { NonFiniteError, OptionError } from '../../src/foundation/errors.js';
import { loadPolicy } from '../../src/policy/load-policy.js';
import type { Decision, Policy } from '../../src/policy/policy.js';
import type { StrategyOptions } from '../../src/strategies/strategy-options.js';
import { useTestDevice } from '../support/device.js';
import { irregular } from '../support/golden-policy.js';
import { randomPolicy, SMALL_UNET } from '../support/random-checkpoint.js';
import { randomGenerator, randomStudent } from '../support/random-method.js';

const FRAME = 3;
const ONE: StrategyOptions = { name: 'Consistency', steps: 1 };
const THREE: StrategyOptions = { name: 'Consistency', steps: 3 };
const ONEDP: StrategyOptions = { name: 'OneDP' };
const DDIM: StrategyOptions = { name: 'DDIM', steps: 2 };

describe('a policy with networks of methods', () => {
  const device = useTestDevice();
  const { source } = randomPolicy(SMALL_UNET, FRAME);

  const load = (
    strategy: StrategyOptions,
    methods = [randomStudent(SMALL_UNET, FRAME), randomGenerator(SMALL_UNET, FRAME)],
  ): Promise<Policy> => loadPolicy(source, { device: device(), strategy, networks: { methods }, seed: 7 });
  const windowOf = (salt: number): { 'observation.state': Float32Array } => ({ 'observation.state': irregular(2 * FRAME, salt) });

  it('decides with one of them as with its own: alone, or as a fleet of several strategies, with the same bits', async () => {
    const policy = await load(THREE);
    try {
      expect(policy.info.methods).toEqual(['consistency_policy', 'onedp']);
      const strategies = [THREE, DDIM, ONE, ONEDP, THREE, ONEDP, ONE];
      const decide = (fleet: boolean): Promise<Decision[]> => {
        const requests = strategies.map((strategy, salt) => ({
          episode: policy.beginEpisode({ strategy, seed: salt }),
          window: windowOf(salt),
        }));
        if (fleet) return policy.decideAll(requests);
        return requests.reduce(
          async (before, request) => [...(await before), ...(await policy.decideAll([request]))],
          Promise.resolve<Decision[]>([]),
        );
      };
      const [alone, together] = [await decide(false), await decide(true)];
      expect(together.map(({ chunk }) => chunk)).toEqual(alone.map(({ chunk }) => chunk));
      expect(together.map(({ evaluations }) => evaluations)).toEqual([3, 2, 1, 1, 3, 1, 1]);
      expect(together[0]?.timesteps.map((level) => level.toFixed(3))).toEqual(['80.000', '12.015', '0.885']);
      expect(new Set(together.map(({ chunk }) => chunk.join())).size, 'different chunks').toBe(strategies.length);
    } finally {
      await policy.dispose();
    }
  });

  it('changes to levels that had no row yet, and back, with the bits of a policy that was loaded for them', async () => {
    const decided = async (policy: Policy, strategy: StrategyOptions): Promise<Float32Array> => {
      policy.useStrategy(strategy);
      return (await policy.decide(windowOf(1), { noise: irregular(16) })).normalizedChunk;
    };
    const raw: StrategyOptions = { name: 'Consistency', steps: 3, chaining: 'raw' };
    const policy = await load(ONE);
    const noise = (steps: number): Float32Array[] => Array.from({ length: steps }, (_, i) => irregular(16, 50 + i));
    const run = async (one: Policy, strategy: StrategyOptions): Promise<Float32Array> => {
      one.useStrategy(strategy);
      return (await one.decide(windowOf(1), { noise: irregular(16), stepNoise: noise(2) })).normalizedChunk;
    };
    try {
      const first = await decided(policy, ONE);
      const second = await run(policy, raw);
      expect(await decided(policy, ONE)).toEqual(first);
      expect(await run(policy, raw)).toEqual(second);
      expect(second).not.toEqual(first);
      const fresh = await load(raw);
      expect(await run(fresh, raw)).toEqual(second);
      await fresh.dispose();
    } finally {
      await policy.dispose();
    }
  });

  it('has as many dispatches as with its own network, where that has the same shape', async () => {
    const [own, student] = [await load(DDIM), await load({ name: 'Consistency', steps: 2 })];
    expect(student.info.dispatches).toBe(own.info.dispatches);
    expect(student.info.dispatches).toBeGreaterThan(10);
    expect(student.info.fingerprint).toBe(own.info.fingerprint);
    const without = await loadPolicy(source, { device: device(), strategy: DDIM });
    expect(without.info.fingerprint).not.toBe(own.info.fingerprint);
    expect(without.info.methods).toEqual([]);
    await Promise.all([own, student, without].map((policy) => policy.dispose()));
  });

  it('moves with its networks, and its rows of levels, when it is loaded again', async () => {
    const policy = await load(THREE);
    try {
      const decide = async (): Promise<Float32Array> =>
        (await policy.decideAll([{ window: windowOf(2), previous: [], seed: 3 }]))[0]!.chunk;
      const before = await decide();
      await policy.reload();
      expect(await decide()).toEqual(before);
    } finally {
      await policy.dispose();
    }
  });

  it('fails in words where the network of a method is not finite, and nobody else does', async () => {
    const policy = await load(ONE, [randomStudent(SMALL_UNET, FRAME, 3e38)]);
    try {
      const requests = [ONE, DDIM].map((strategy, salt) => ({ episode: policy.beginEpisode({ strategy }), window: windowOf(salt) }));
      const [first, second] = await policy.decideAllSettled(requests);
      expect([first?.status, second?.status]).toEqual(['rejected', 'fulfilled']);
      expect((first as PromiseRejectedResult).reason).toBeInstanceOf(NonFiniteError);
      expect(((first as PromiseRejectedResult).reason as Error).message).toMatch(
        /U-Net's output is NaN or infinite at denoising step 1 of 1 \(timestep 80\)/,
      );
    } finally {
      await policy.dispose();
    }
  });

  it.each<[string, StrategyOptions, () => Parameters<typeof load>[1], RegExp]>([
    ['no network', THREE, () => [randomGenerator(SMALL_UNET, FRAME)], /strategy Consistency needs a network of type "consistency_policy"/],
    [
      'two of a type',
      THREE,
      () => [randomStudent(SMALL_UNET, FRAME), randomStudent(SMALL_UNET, FRAME)],
      /expected one network of type "consistency_policy", found "random consistency_policy" and/,
    ],
    [
      'a network of another policy',
      THREE,
      () => [randomStudent({ ...SMALL_UNET, horizon: 16 }, FRAME)],
      /network "random consistency_policy" \(consistency_policy\) does not belong to policy "random policy": its horizon is 16, the policy's is 8/,
    ],
    ['a network with other frames', THREE, () => [randomStudent(SMALL_UNET, 6)], /its n_obs_steps is 1, the policy's is 2/],
  ])('is refused with %s', async (_, strategy, methods, message) => {
    const loading = load(strategy, methods());
    await expect(loading).rejects.toThrow(OptionError);
    await expect(loading).rejects.toThrow(message);
  });
});
