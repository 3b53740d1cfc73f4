import { describe, expect, it } from 'vitest';
import { NonFiniteError } from '../../src/foundation/errors.js';
import type { Episode } from '../../src/policy/episode.js';
import type { FalconStrategyOptions } from '../../src/strategies/strategy-options.js';
import { useTestDevice } from '../support/device.js';
import { broken, CASE, DDIM, decideOne, FALCON, facts, STEP } from '../support/episode-members.js';
import { loadGolden, window } from '../support/golden-policy.js';

describe('a decision that fails', () => {
  const device = useTestDevice();

  it('leaves all episodes of the call as they were', async () => {
    const policy = await loadGolden(device(), CASE, { predictor: true });
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
});
