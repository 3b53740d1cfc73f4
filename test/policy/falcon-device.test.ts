import { describe, expect, it } from 'vitest';
import { choiceNoise, runNoise } from '../../src/decision/noise.js';
import { resumeSchedule } from '../../src/diffusion/resume.js';
import { signalAndNoise } from '../../src/diffusion/solver-step.js';
import { NonFiniteError, OptionError } from '../../src/foundation/errors.js';
import type { Decision, Policy } from '../../src/policy/policy.js';
import { solverSchedule } from '../../src/strategies/solver.js';
import type { FalconStrategyOptions } from '../../src/strategies/strategy-options.js';
import { useTestDevice } from '../support/device.js';
import { broken, decideOne, loadRaw } from '../support/episode-members.js';
import { bits, loadGolden, probe, window } from '../support/golden-policy.js';
import { solverOptions } from '../support/recorded-case.js';
import { at } from '../support/toy.js';
import { TOY_CONTEXT } from '../support/toy-episode.js';

type Settings = Omit<FalconStrategyOptions, 'name'>;

/** Every remembered sample is a candidate that agrees, and noise is the start only where there is none. */
const REUSE: Settings = { exploration: 0, threshold: 1e6 };

describe('Falcon on a device', () => {
  const device = useTestDevice();
  const CASE = 'state-bias-film';
  const DDIM_8: Settings = { solver: 'DDIM', steps: 8 };

  function falcon(settings: Settings): FalconStrategyOptions {
    return { name: 'Falcon', ...settings };
  }

  function load(settings: Settings, probes: readonly string[] = []): Promise<Policy> {
    return loadGolden(device(), CASE, { strategy: falcon(settings), probes });
  }

  it.each<Settings>([DDIM_8, { solver: 'DDPM', steps: 8 }, { solver: 'DPM-Solver++', steps: 8 }])(
    "%o: the first decision is the solver's from noise, later ones go on from a sample of an earlier one",
    async (settings) => {
      const policy = await load({ ...settings, ...REUSE }, ['start', 'sample']);
      const { predictionType, clip } = solverOptions(CASE);
      const scheduler = { ...TOY_CONTEXT.scheduler, predictionType, clipSample: clip !== null };
      const full = solverSchedule(settings.solver ?? 'DDIM', { steps: 8 }, scheduler);
      const all = full.steps.map(({ timestep }) => timestep);
      const first = await policy.decide(window(policy));
      expect(first).toMatchObject({ warm: false, timesteps: all, evaluations: 8, screening: 0 });
      const visited = all.slice(0, -1).map((_, step) => probe(first, `sample.${step}`));

      const second = await policy.decide(window(policy, 1));
      const candidates = all.slice(1).filter((timestep) => timestep >= 20).length;
      const { length } = second.timesteps;
      expect(second.timesteps).toEqual(all.slice(-length));
      expect(second).toMatchObject({ warm: true, screening: candidates, evaluations: candidates + length });
      expect(length).toBeLessThan(8);
      expect(probe(second, 'start')).toEqual(visited[8 - length - 1]);

      // The rest of the schedule from that sample, as denoise() runs it.
      const schedule = resumeSchedule(full, 8 - length);
      const chunkSize = policy.info.horizon * policy.info.actionDim;
      const { stepNoise } = runNoise(schedule, chunkSize, { seed: 0, episode: 0, decision: 1, sample: 0 }, {});
      const request = { window: window(policy, 1), sample: probe(second, 'start'), schedule, stepNoise };
      expect(bits(second)).toEqual(bits(at(await policy.denoise([request]), 0)));
      await policy.dispose();
    },
  );

  async function decisions(policy: Policy, seed: number, count = 4): Promise<Decision[]> {
    const episode = policy.beginEpisode({ seed });
    const results: Decision[] = [];
    for (let tick = 0; tick < count; tick++) results.push(await decideOne(policy, episode, window(policy, tick)));
    return results;
  }

  it('is deterministic: the same seed makes the same choices, another one others', async () => {
    const policy = await load({ ...DDIM_8, exploration: 0.5, threshold: 1e6, kappa: 100 });
    const choices = (results: Decision[]): string[] => results.map((result) => result.timesteps.join(' '));
    const expected = await decisions(policy, 5);
    const again = await decisions(policy, 5);
    expect(again.map(bits)).toEqual(expected.map(bits));
    expect(choices(again)).toEqual(choices(expected));
    const others = await Promise.all([6, 7, 8].map((seed) => decisions(policy, seed)));
    expect(new Set([expected, ...others].map((results) => choices(results).join())).size).toBeGreaterThan(1);
    await policy.dispose();
  });

  it('with exploration 1 is the solver from noise', async () => {
    const policy = await load({ ...DDIM_8, exploration: 1, threshold: 1e6 });
    const found = await decisions(policy, 3);
    policy.useStrategy({ name: 'DDIM', steps: 8 });
    const expected = await decisions(policy, 3);
    expect(found.map(bits)).toEqual(expected.map(bits));
    for (const result of found) expect(result).toMatchObject({ warm: false, evaluations: 8, screening: 0 });
    await policy.dispose();
  });

  it('with a tiny threshold is that too, but has evaluated the candidates', async () => {
    const policy = await load({ ...DDIM_8, exploration: 0, threshold: 1e-9 });
    const found = await decisions(policy, 3, 3);
    policy.useStrategy({ name: 'DDIM', steps: 8 });
    expect(found.map(bits)).toEqual((await decisions(policy, 3, 3)).map(bits));
    expect(found.map(({ warm }) => warm)).toEqual([false, false, false]);
    // Timesteps 72, 60, 48, 36 and 24 of every decision before.
    expect(found.map(({ screening, evaluations }) => [screening, evaluations])).toEqual([
      [0, 8],
      [5, 13],
      [10, 18],
    ]);
    await policy.dispose();
  });

  it('screens candidates of one timestep as one batch', async () => {
    const policy = await load({ ...DDIM_8, exploration: 0, threshold: 1e-9 });
    const { queue } = device().gpuDevice;
    const submit = queue.submit.bind(queue);
    let submits = 0;
    queue.submit = (commands) => {
      submits++;
      return submit(commands);
    };
    try {
      const found = await decisions(policy, 1, 3);
      expect(found.map(({ screening }) => screening)).toEqual([0, 5, 10]);
      expect(submits).toBe(1 + (5 + 1) + (5 + 1));
    } finally {
      Reflect.deleteProperty(queue, 'submit');
      await policy.dispose();
    }
  });

  it('samples of a batch are episodes of their own', async () => {
    const policy = await load({ ...DDIM_8, ...REUSE, kappa: 100 });
    const alone: Decision[] = [];
    for (const tick of [0, 1, 2]) alone.push(await policy.decide(window(policy, tick)));
    const fresh = await load({ ...DDIM_8, ...REUSE, kappa: 100 });
    const episodes = [0, 1, 2].map((b) => fresh.beginEpisode({ seed: b }));
    for (const tick of [0, 1, 2]) {
      const batch = await fresh.decideAll(episodes.map((episode, b) => ({ episode, window: window(fresh, tick + b) })));
      expect(bits(at(batch, 0))).toEqual(bits(at(alone, tick)));
      expect(at(batch, 0).evaluations).toBe(at(alone, tick).evaluations);
    }
    await policy.dispose();
    await fresh.dispose();
  });

  it('a decision that fails leaves buffer and episode as they were', async () => {
    const options = { strategy: falcon({ ...DDIM_8, ...REUSE }) };
    const policy = await loadRaw(device(), options);
    const undisturbed = await loadRaw(device(), options);
    const [episode, other] = [policy.beginEpisode(), undisturbed.beginEpisode()];
    for (const tick of [0, 1, 2, 3]) {
      const found = await decideOne(policy, episode, window(policy, tick));
      const expected = await decideOne(undisturbed, other, window(policy, tick));
      expect(bits(found)).toEqual(bits(expected));
      expect([found.screening, found.timesteps]).toEqual([expected.screening, expected.timesteps]);
      await expect(decideOne(policy, episode, broken(policy))).rejects.toThrow(NonFiniteError);
    }
    await policy.dispose();
    await undisturbed.dispose();
  });

  it('shiftOnReuse: the start is the remembered sample moved on, with fresh noise at its end', async () => {
    const policy = await load({ ...DDIM_8, ...REUSE, shiftOnReuse: true, kappa: 1 }, ['start', 'sample']);
    const { actionDim, actionSteps } = policy.info;
    const first = await policy.decide(window(policy));
    const second = await policy.decide(window(policy, 1));
    // So small a κ leaves only the least noisy candidate, the fifth: the sample before timestep 24.
    expect(second.timesteps).toEqual([24, 12, 0]);
    const moved = actionSteps * actionDim;
    const kept = probe(first, 'sample.4').slice(moved);
    const start = probe(second, 'start');
    expect(start.slice(0, kept.length)).toEqual(kept);
    const { signal, noise } = signalAndNoise(solverOptions(CASE).alphasCumprod, 24);
    const fresh = choiceNoise(5 * moved, { seed: 0, episode: 0, decision: 1, sample: 0 }).slice(-moved);
    const last = first.normalizedChunk.slice(-actionDim);
    start.slice(kept.length).forEach((value, i) => expect(value).toBeCloseTo(signal * at(last, i % actionDim) + noise * at(fresh, i), 5));
    await policy.dispose();
  });

  it('refuses `previous`, and says what to do', async () => {
    const policy = await load(DDIM_8);
    for (const previous of [[], [await policy.decide(window(policy))]]) {
      const promise = policy.decide(window(policy), { previous });
      await expect(promise).rejects.toThrow(OptionError);
      await expect(promise).rejects.toThrow(/Falcon on DDIM 8.*remembers more than chunks: use beginEpisode\(\)/);
    }
    await policy.dispose();
  });

  it('brings no probes but those that were asked for', async () => {
    const policy = await load({ ...DDIM_8, ...REUSE }, ['start']);
    // Screening is a run before the one that is executed.
    const names = async (tick: number): Promise<string[]> => [...(await policy.decide(window(policy, tick))).probes.keys()];
    expect(await names(0)).toEqual(['start']);
    expect(await names(1)).toEqual(['run.0.start', 'start']);
    await policy.dispose();
  });
});
