import { describe, expect, it } from 'vitest';
import { NonFiniteError, ObservationError, OptionError } from '../../src/foundation/errors.js';
import type { Episode } from '../../src/policy/episode.js';
import type { Decision, Policy } from '../../src/policy/policy.js';
import { USAGE } from '../../src/runtime/buffers.js';
import type { StrategyOptions } from '../../src/strategies/strategy-options.js';
import { useTestDevice } from '../support/device.js';
import { DeviceCalls } from '../support/device-calls.js';
import { CASE, DDIM, decideOne, FALCON, facts, RTI_DP, STEP } from '../support/episode-members.js';
import { bits, loadGolden, noise, observation, window } from '../support/golden-policy.js';
import { at } from '../support/toy.js';

describe('decide', () => {
  const device = useTestDevice();

  it('gives every episode the bits that it gets alone, whatever strategies decide with it', async () => {
    const policy = await loadGolden(device(), CASE, { predictor: true });
    // The second STEP episode is a decision ahead, so that it is warm beside a cold one.
    const members = [
      { strategy: DDIM, seed: 1, ahead: false },
      { strategy: STEP, seed: 2, ahead: false },
      { strategy: STEP, seed: 3, ahead: true },
      { strategy: RTI_DP, seed: 4, ahead: false },
      { strategy: FALCON, seed: 5, ahead: true },
      { strategy: DDIM, seed: 6, ahead: false },
    ];
    const rounds = [0, 1, 2];
    const begin = async (): Promise<Episode[]> => {
      const episodes = members.map(({ strategy, seed }) => policy.beginEpisode({ strategy, seed }));
      for (const [i, { ahead }] of members.entries()) {
        if (ahead) await decideOne(policy, at(episodes, i), window(policy, 90 + i));
      }
      return episodes;
    };

    const together = await begin();
    const found: Decision[][] = [];
    for (const round of rounds) {
      found.push(await policy.decideAll(together.map((episode, i) => ({ episode, window: window(policy, 10 * i + round) }))));
    }
    const alone = await begin();
    for (const [i, episode] of alone.entries()) {
      for (const round of rounds) {
        const result = await decideOne(policy, episode, window(policy, 10 * i + round));
        expect(facts(at(at(found, round), i)), `member ${i}, round ${round}`).toEqual(facts(result));
      }
    }
    expect(found.map((results) => results.map(({ warm }) => warm)).slice(0, 2)).toEqual([
      [false, false, true, false, true, false],
      [false, true, true, true, true, false],
    ]);
    expect(together.map(({ decisions }) => decisions)).toEqual([3, 3, 4, 3, 4, 3]);
    await policy.dispose();
  });

  it('runs what has the same timesteps as one batch, cold or warm', async () => {
    const policy = await loadGolden(device(), CASE, { predictor: true });
    const warm = policy.beginEpisode({ strategy: STEP });
    await decideOne(policy, warm, window(policy));
    const buffer = device().gpuDevice.createBuffer({ size: 16, usage: USAGE.copyDestination });
    const calls = new DeviceCalls(device().gpuDevice, buffer);
    try {
      const others = [1, 2, 3].map((seed) => policy.beginEpisode({ strategy: DDIM, seed }));
      await policy.decideAll([warm, ...others].map((episode, i) => ({ episode, window: window(policy, i) })));
      expect(calls.counts.submit).toBe(1);
    } finally {
      calls.restore();
      buffer.destroy();
      await policy.dispose();
    }
  });

  it('reports every decision once, in the order of the requests; with none it does nothing', async () => {
    const decisions: Decision[] = [];
    const policy = await loadGolden(device(), CASE, { predictor: true, onDecision: (decision) => decisions.push(decision) });
    const episodes = [STEP, DDIM, FALCON].map((strategy) => policy.beginEpisode({ strategy }));
    const results = await policy.decideAll(episodes.map((episode) => ({ episode, window: window(policy) })));
    expect(results.map((result, i) => result === decisions[i])).toEqual([true, true, true]);
    expect(await policy.decideAll([])).toEqual([]);
    expect(decisions).toHaveLength(3);
    await policy.dispose();
  });

  it('takes noise in place of seeded noise', async () => {
    const policy = await loadGolden(device(), CASE);
    const [given, seeded] = [policy.beginEpisode({ strategy: DDIM }), policy.beginEpisode({ strategy: DDIM })];
    const request = { window: window(policy), noise: noise(policy) };
    const found = await policy.decideAll([
      { episode: given, ...request },
      { episode: seeded, window: window(policy) },
    ]);
    policy.useStrategy(DDIM);
    expect(bits(at(found, 0))).toEqual(bits(await policy.decide(request.window, { previous: [], noise: request.noise })));
    expect(bits(at(found, 1))).not.toEqual(bits(at(found, 0)));
    await policy.dispose();
  });

  it('may overlap: calls are carried out in their order', async () => {
    const policy = await loadGolden(device(), CASE, { predictor: true, strategy: STEP });
    const [hasty, patient] = [policy.beginEpisode(), policy.beginEpisode()];
    const overlapping = await Promise.all([0, 1, 2].map((tick) => decideOne(policy, hasty, window(policy, tick))));
    for (const [tick, result] of overlapping.entries()) {
      expect(facts(result)).toEqual(facts(await decideOne(policy, patient, window(policy, tick))));
    }
    await policy.dispose();
  });

  it('refuses an episode twice, unknown options, windows and noise of the wrong size', async () => {
    const policy = await loadGolden(device(), CASE, { strategy: DDIM });
    const episode = policy.beginEpisode();
    const good = { episode, window: window(policy) };
    await expect(policy.decideAll([good, good])).rejects.toThrow(OptionError);
    await expect(policy.decideAll([good, good])).rejects.toThrow(/an episode is there twice: its second decision needs the first/);
    await expect(policy.decideAll([{ ...good, seed: 1 } as typeof good])).rejects.toThrow(/decideAll: unknown option "seed"/);
    await expect(policy.decideAll([{ ...good, noise: [1] }])).rejects.toThrow(/noise must have 32 values/);
    await expect(policy.decideAll([{ ...good, noise: noise(policy).fill(NaN) }])).rejects.toThrow(/noise has NaN at index 0/);
    await expect(policy.decideAll([{ episode, window: observation(policy) }])).rejects.toThrow(ObservationError);
    expect(episode.decisions).toBe(0);
    await policy.dispose();
  });

  it('refuses an episode of another policy, whose timesteps and chunks may fit by chance', async () => {
    const [policy, other] = [await loadGolden(device(), CASE, { strategy: DDIM }), await loadGolden(device(), CASE, { strategy: DDIM })];
    const episode = other.beginEpisode();
    await expect(policy.decideAll([{ episode, window: window(policy) }])).rejects.toThrow(OptionError);
    await expect(policy.act(observation(policy), { episode })).rejects.toThrow(
      /act: the episode must be one that beginEpisode\(\) of this policy/,
    );
    expect(episode.decisions).toBe(0);
    await Promise.all([policy.dispose(), other.dispose()]);
  });
});

describe('an episode', () => {
  const device = useTestDevice();

  it('gets the same noise for the same seed, whatever else the policy does', async () => {
    const policy = await loadGolden(device(), CASE, { predictor: true, strategy: STEP });
    const episodeOf = async (seed: number, disturb: () => Promise<unknown>): Promise<object[]> => {
      const episode = policy.beginEpisode({ seed });
      const results: object[] = [];
      for (const tick of [0, 1, 2]) {
        await disturb();
        results.push(facts(await decideOne(policy, episode, window(policy, tick))));
      }
      return results;
    };
    const expected = await episodeOf(7, () => Promise.resolve());
    const disturbed = await episodeOf(7, async () => {
      await policy.act(observation(policy));
      await policy.decide(window(policy, 5), { previous: [], seed: 9 });
      await decideOne(policy, policy.beginEpisode({ strategy: FALCON, seed: 7 }), window(policy, 6));
      policy.reset();
    });
    expect(disturbed).toEqual(expected);
    expect(await episodeOf(8, () => Promise.resolve())).not.toEqual(expected);
    await policy.dispose();
  });

  it('gets other noise at every decision', async () => {
    const policy = await loadGolden(device(), CASE);
    const episode = policy.beginEpisode({ strategy: DDIM });
    const chunks = [];
    for (let i = 0; i < 3; i++) chunks.push(bits(await decideOne(policy, episode, window(policy))).join());
    expect(new Set(chunks).size).toBe(3);
    await policy.dispose();
  });

  it("has the policy's strategy and seed unless told otherwise: it is then the policy's own first one", async () => {
    const policy = await loadGolden(device(), CASE, { predictor: true, strategy: STEP, seed: 11 });
    const episode = policy.beginEpisode();
    for (const tick of [0, 1]) {
      expect(facts(await decideOne(policy, episode, window(policy, tick)))).toEqual(facts(await policy.decide(window(policy, tick))));
    }
    await policy.dispose();
  });

  it("of act(): keeps its own window and actions, beside others and the policy's own", async () => {
    const policy = await loadGolden(device(), CASE, { predictor: true, strategy: STEP });
    const begin = (): [Episode, Episode] => [policy.beginEpisode({ seed: 1 }), policy.beginEpisode({ strategy: RTI_DP, seed: 2 })];
    const ticks = Array.from({ length: policy.info.actionSteps + 2 }, (_, tick) => tick);
    const actAll = async (of: Policy, episode: Episode | undefined, salt: number): Promise<number[][]> => {
      const actions: number[][] = [];
      for (const tick of ticks) actions.push([...(await of.act(observation(policy, salt + tick), episode ? { episode } : {}))]);
      return actions;
    };
    const [a, b] = begin();
    const fresh = await loadGolden(device(), CASE, { predictor: true, strategy: STEP });
    const expected = [await actAll(policy, a, 100), await actAll(policy, b, 200), await actAll(fresh, undefined, 300)];
    const [c, d] = begin();
    const interleaved: number[][][] = [[], [], []];
    for (const tick of ticks) {
      interleaved[0]?.push([...(await policy.act(observation(policy, 100 + tick), { episode: c }))]);
      interleaved[1]?.push([...(await policy.act(observation(policy, 200 + tick), { episode: d }))]);
      interleaved[2]?.push([...(await policy.act(observation(policy, 300 + tick)))]);
    }
    expect(interleaved).toEqual(expected);
    expect([c.decisions, d.decisions]).toEqual([2, ticks.length]);
    await policy.dispose();
    await fresh.dispose();
  });

  it('of act() that fails is as it was, so that the tick can be tried again', async () => {
    const policy = await loadGolden(device(), CASE, { predictor: true, strategy: STEP });
    const [episode, undisturbed] = [policy.beginEpisode(), policy.beginEpisode()];
    const overflow = { episode, noise: noise(policy).fill(3e38) };
    for (let tick = 0; tick <= policy.info.actionSteps; tick++) {
      if (tick % policy.info.actionSteps === 0)
        await expect(policy.act(observation(policy, tick + 7), overflow)).rejects.toThrow(NonFiniteError);
      const action = await policy.act(observation(policy, tick), { episode });
      expect(action).toEqual(await policy.act(observation(policy, tick), { episode: undisturbed }));
    }
    await policy.dispose();
  });

  it('outlives reset() and useStrategy(), with its own strategy', async () => {
    const policy = await loadGolden(device(), CASE, { predictor: true, strategy: STEP });
    const [episode, undisturbed] = [policy.beginEpisode(), policy.beginEpisode()];
    const expected: object[] = [];
    for (const tick of [0, 1, 2]) expected.push(facts(await decideOne(policy, undisturbed, window(policy, tick))));
    const found = [facts(await decideOne(policy, episode, window(policy, 0)))];
    policy.reset();
    found.push(facts(await decideOne(policy, episode, window(policy, 1))));
    policy.useStrategy(DDIM);
    found.push(facts(await decideOne(policy, episode, window(policy, 2))));
    expect(found).toEqual(expected);
    expect([episode.decisions, episode.strategy.description]).toEqual([3, 'STEP 2 (forward-noise, cold DDIM 4)']);
    await policy.dispose();
  });

  it('keeps its chunks to itself: a caller may change what it was given', async () => {
    const strategy: StrategyOptions = { ...STEP, stall: { space: 'raw', eps: 1e6 } };
    const policy = await loadGolden(device(), CASE, { predictor: 'shift', strategy });
    const [episode, undisturbed] = [policy.beginEpisode(), policy.beginEpisode()];
    for (const tick of [0, 1, 2]) {
      const found = await decideOne(policy, episode, window(policy, tick));
      expect(facts(found)).toEqual(facts(await decideOne(policy, undisturbed, window(policy, tick))));
      found.normalizedChunk.fill(7);
      found.chunk.fill(1e9);
    }
    await policy.dispose();
  });

  it('is refused with what loading refuses', async () => {
    const policy = await loadGolden(device(), CASE);
    expect(() => policy.beginEpisode({ strategy: STEP })).toThrow(/strategy STEP needs a predictor/);
    expect(() => policy.beginEpisode({ strategy: { name: 'DDIM', stepz: 1 } as StrategyOptions })).toThrow(OptionError);
    expect(() => policy.beginEpisode({ seed: -1 })).toThrow(/beginEpisode: seed must be an integer from 0/);
    expect(() => policy.beginEpisode({ sed: 1 } as object)).toThrow(/beginEpisode: unknown option "sed"/);
    await policy.dispose();
  });
});
