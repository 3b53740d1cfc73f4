import { describe, expect, it } from 'vitest';
import { ddimSchedule } from '../../src/diffusion/ddim.js';
import { NonFiniteError, ObservationError, OptionError } from '../../src/foundation/errors.js';
import type { Episode } from '../../src/policy/episode.js';
import type { StatelessRequest } from '../../src/policy/policy.js';
import type { FalconStrategyOptions } from '../../src/strategies/strategy-options.js';
import { useTestDevice } from '../support/device.js';
import { broken, CASE, DDIM, decideOne, FALCON, facts, loadRaw, STEP } from '../support/episode-members.js';
import { loadGolden, observation, window } from '../support/golden-policy.js';
import { solverOptions } from '../support/recorded-case.js';

describe('a decision that fails', () => {
  const device = useTestDevice();

  it('leaves all episodes of the call as they were', async () => {
    const policy = await loadRaw(device(), { predictor: true });
    const begin = (): Episode[] => [STEP, FALCON, DDIM].map((strategy, seed) => policy.beginEpisode({ strategy, seed }));
    const [episodes, undisturbed] = [begin(), begin()];
    for (const round of [0, 1]) {
      const requests = (of: readonly Episode[], given = window(policy, round)) => of.map((episode) => ({ episode, window: given }));
      const failing = [...requests(episodes.slice(0, -1)), ...requests(episodes.slice(-1), broken(policy))];
      await expect(policy.decideAll(failing)).rejects.toThrow(NonFiniteError);
      expect(episodes.map(({ decisions }) => decisions)).toEqual([round, round, round]);
      const found = await policy.decideAll(requests(episodes));
      expect(found.map(facts)).toEqual((await policy.decideAll(requests(undisturbed))).map(facts));
    }
    await policy.dispose();
  });

  it('does so even where another one was complete by then', async () => {
    const policy = await loadGolden(device(), CASE);
    const reuse: FalconStrategyOptions = { ...FALCON, exploration: 0 };
    const begin = (): Episode => policy.beginEpisode({ strategy: reuse, seed: 1 });
    const [early, undisturbed] = [begin(), begin()];
    // Step noise with no rows suits the comparison of candidates, but not the run that follows it: this one fails late.
    const late = policy.beginEpisode({ strategy: { ...reuse, solver: 'DDPM' } });
    await decideOne(policy, late, window(policy));
    const requests = [
      { episode: early, window: window(policy) },
      { episode: late, window: window(policy, 1), stepNoise: [] },
    ];
    await expect(policy.decideAll(requests)).rejects.toThrow(/stepNoise must have \d rows/);
    for (const tick of [0, 1, 2]) {
      const expected = await decideOne(policy, undisturbed, window(policy, tick));
      expect(facts(await decideOne(policy, early, window(policy, tick)))).toEqual(facts(expected));
    }
    await policy.dispose();
  });

  it("because the caller's onDecision throws is no exception", async () => {
    let fails = false;
    const policy = await loadGolden(device(), CASE, {
      onDecision: () => {
        if (fails) throw new Error('no room for a log');
      },
    });
    const begin = (): Episode[] => [FALCON, DDIM].map((strategy) => policy.beginEpisode({ strategy }));
    const [episodes, undisturbed] = [begin(), begin()];
    const requests = (of: readonly Episode[], tick: number) => of.map((episode) => ({ episode, window: window(policy, tick) }));
    for (const tick of [0, 1, 2]) {
      fails = true;
      await expect(policy.decideAll(requests(episodes, tick))).rejects.toThrow('no room for a log');
      fails = false;
      const found = await policy.decideAll(requests(episodes, tick));
      expect(found.map(facts)).toEqual((await policy.decideAll(requests(undisturbed, tick))).map(facts));
    }
    await policy.dispose();
  });

  it('because an observation is far from all statistics is refused by every call', async () => {
    const policy = await loadGolden(device(), CASE);
    const far = broken(policy);
    const episode = policy.beginEpisode({ strategy: DDIM });
    const schedule = ddimSchedule({ ...solverOptions(CASE), steps: 2 });
    const sample = new Float32Array(policy.info.horizon * policy.info.actionDim);
    for (const refused of [
      policy.decide(far),
      policy.decideAll([{ episode, window: far }]),
      policy.denoise([{ window: far, sample, schedule }]),
    ]) {
      await expect(refused).rejects.toThrow(/observation ".*" has 3\.0*\d*e\+38 at index 0, which the policy's statistics/);
    }
    const [settled, other] = await policy.decideAllSettled([
      { episode, window: far },
      { previous: [], window: window(policy) },
    ]);
    expect([settled?.status, other?.status]).toEqual(['rejected', 'fulfilled']);
    expect(settled?.status === 'rejected' && settled.reason).toBeInstanceOf(ObservationError);
    await policy.dispose();
  });

  it('is named: which request, which decision of which episode', async () => {
    const policy = await loadRaw(device());
    const episodes = [5, 6, 7].map((seed) => policy.beginEpisode({ strategy: DDIM, seed }));
    const requests = (poisoned: number) =>
      episodes.map((episode, i) => ({ episode, window: i === poisoned ? broken(policy) : window(policy, i) }));
    await policy.decideAll(requests(-1));
    await expect(policy.decideAll(requests(1))).rejects.toThrow(
      /^requests\[1\], decision 2 of the episode with seed 6: the U-Net's output is NaN or infinite at denoising step 1 of 2/,
    );
    await expect(policy.decideAll(requests(1).slice(1, 2))).rejects.toThrow(/^decision 2 of the episode with seed 6: /);
    await expect(policy.act(observation(policy, 0), { episode: episodes[2] as Episode })).resolves.toHaveLength(policy.info.actionDim);
    const missing = [...requests(-1).slice(0, 2), { episode: episodes[2] as Episode, window: {} }];
    await expect(policy.decideAll(missing)).rejects.toThrow(/^decideAll: requests\[2\]: /);
    await policy.dispose();
  });

  it('fails alone in decideAllSettled, for whatever reason: the others are decided with the same bits', async () => {
    const policy = await loadRaw(device(), { predictor: true });
    const begin = (): Episode[] => [STEP, FALCON, DDIM, STEP, FALCON].map((strategy, seed) => policy.beginEpisode({ strategy, seed }));
    const [episodes, undisturbed] = [begin(), begin()];
    for (const tick of [0, 1, 2]) {
      const good = (of: readonly Episode[]) => of.map((episode, i) => ({ episode, window: window(policy, 10 * tick + i) }));
      const requests = [
        ...good(episodes),
        // Failures of the network, of an observation, of noise for a run, and of a request that the strategy cannot serve.
        { previous: [], window: broken(policy) },
        { previous: [], window: {} },
        { previous: [], window: window(policy), stepNoise: [new Float32Array(3)] },
        { previous: [], window: window(policy), unknown: 1 } as StatelessRequest,
      ];
      const settled = await policy.decideAllSettled(requests);
      expect(settled.map(({ status }) => status)).toEqual([...episodes.map(() => 'fulfilled'), ...Array(4).fill('rejected')]);
      const reasons = settled.slice(episodes.length).map((one) => (one.status === 'rejected' ? one.reason : undefined));
      expect(reasons[0]).toBeInstanceOf(NonFiniteError);
      expect(reasons[1]).toBeInstanceOf(ObservationError);
      expect(reasons[2]).toBeInstanceOf(OptionError);
      expect(reasons[3]).toEqual(expect.objectContaining({ message: expect.stringMatching(/requests\[8\]: unknown option "unknown"/) }));
      const expected = await policy.decideAll(good(undisturbed));
      expect(settled.flatMap((one) => (one.status === 'fulfilled' ? [facts(one.value)] : []))).toEqual(expected.map(facts));
    }
    expect(episodes.map(({ decisions }) => decisions)).toEqual([3, 3, 3, 3, 3]);
    await policy.dispose();
  });

  it('leaves its own episode alone as it was, there as well', async () => {
    const policy = await loadRaw(device(), { predictor: true });
    const [spoiled, undisturbed] = [FALCON, FALCON].map((strategy) => policy.beginEpisode({ strategy, seed: 3 })) as [Episode, Episode];
    for (const tick of [0, 1, 2]) {
      const [failed] = await policy.decideAllSettled([{ episode: spoiled, window: broken(policy) }]);
      expect(failed).toEqual({ status: 'rejected', reason: expect.any(NonFiniteError) });
      const [found] = await policy.decideAllSettled([{ episode: spoiled, window: window(policy, tick) }]);
      expect(found?.status === 'fulfilled' && facts(found.value)).toEqual(
        facts(await decideOne(policy, undisturbed, window(policy, tick))),
      );
    }
    const twice = [spoiled, spoiled].map((episode) => ({ episode, window: window(policy) }));
    await expect(policy.decideAllSettled(twice)).rejects.toThrow(/an episode is there twice/);
    await policy.dispose();
  });
});
