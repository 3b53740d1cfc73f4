import { describe, expect, it } from 'vitest';
import type { Task } from '../../src/envs/environment.js';
import { type EvaluateOptions, evaluate } from '../../src/evaluation/evaluate.js';
import { measureLatency } from '../../src/evaluation/latency.js';
import type { EpisodeRecord } from '../../src/evaluation/record.js';
import type { Observation } from '../../src/observations/frame.js';
import { loadPolicy } from '../../src/policy/load-policy.js';
import type { Policy } from '../../src/policy/policy.js';
import { parseStrategy } from '../../src/strategies/parse.js';
import { ChangedCheckpoint, PRE } from '../support/changed-checkpoint.js';
import { useTestDevice } from '../support/device.js';
import { irregular } from '../support/golden-policy.js';
import { useSmallPushTPolicy } from '../support/small-push-t.js';
import { shortTask } from '../support/tasks.js';

const SEEDS = [100_003, 100_004, 100_005];

describe('evaluate', () => {
  const policy = useSmallPushTPolicy();

  const run = (strategy: string, options: Partial<EvaluateOptions> = {}): Promise<EpisodeRecord[]> =>
    evaluate(policy(), {
      task: shortTask(24),
      strategy: parseStrategy(strategy),
      seeds: SEEDS,
      parallel: 3,
      keepReplay: () => true,
      ...options,
    });

  it.each(['step:2/stall/eps=5', 'falcon:3/solver=DDIM/exploration=0/threshold=10', 'ddpm:2'])(
    '%s: the record of a seed is the same whatever else runs beside it',
    async (strategy) => {
      const together = await run(strategy);
      expect(together.map(({ seed }) => seed)).toEqual(SEEDS);
      expect(await run(strategy, { parallel: 1 })).toEqual(together);
      expect(await run(strategy, { parallel: 2, seeds: [...SEEDS].reverse() })).toEqual(together);
      expect(await run(strategy, { seeds: [100_004] })).toEqual([together[1]]);
      expect(new Set(together.map(({ replay }) => String(replay?.targets))).size).toBe(3);
    },
  );

  it('counts ticks, decisions, evaluations, borders and stalls', async () => {
    const [first] = await run('step:2/stall/eps=5');
    // Cold with DDIM 16, then 2 and 2; the third decision is the first that has two chunks to compare.
    expect(first).toMatchObject({ ticks: 24, decisions: 3, evaluations: 20, screening: 0, stalls: 1, success: false });
    expect(first?.jumps).toHaveLength(2);
    expect(first?.rewards).toHaveLength(24);
    expect(first?.score).toBeCloseTo(Math.max(...first!.rewards), 3);
    expect(first?.replay).toMatchObject({ decisionTicks: [0, 8, 16], stalledDecisions: [2] });
    expect(first?.replay?.states).toHaveLength(25 * 5);
    expect(first?.replay?.targets).toHaveLength(24 * 2);
    const [falcon] = await run('falcon:3/solver=DDIM/exploration=0/threshold=10', { seeds: [100_003] });
    expect(falcon?.screening).toBeGreaterThan(0);
    expect(falcon?.evaluations).toBeGreaterThan(falcon!.screening);
  });

  it('makes a decision in every tick with RTI-DP', async () => {
    const [only] = await run('rti-dp/timesteps=2-0', { seeds: [100_003], task: shortTask(3) });
    expect(only).toMatchObject({ ticks: 3, decisions: 3, evaluations: 100 + 2 + 2 });
  });

  it('an environment that throws ends its own episode with what it reached', async () => {
    let ticks = 0;
    const task = shortTask(24, (environment, seed) => ({
      step: (action) => {
        if (seed() === 100_005 && ++ticks > 10) throw new Error('the motor driver is gone');
        return environment.step(action);
      },
    }));
    const found = await run('ddim:2', { task });
    expect(found.map(({ failure }) => failure)).toEqual([undefined, undefined, 'Error: the motor driver is gone']);
    expect(found[2]).toMatchObject({ ticks: 10, decisions: 2 });
  });

  it('an environment that never answers is given up after its time, and the others go on', async () => {
    const task = shortTask(16, (environment, seed) => ({
      step: (action) => (seed() === 100_003 ? new Promise(() => {}) : Promise.resolve(environment.step(action))),
    }));
    const found = await run('ddim:2', { task, stepTimeoutMs: 200 });
    expect(found.map(({ failure }) => failure)).toEqual(['Error: the environment did not answer step within 200 ms', undefined, undefined]);
    const silent = shortTask(16, () => ({ reset: () => new Promise(() => {}) }));
    const none = await run('ddim:2', { task: silent, stepTimeoutMs: 50, seeds: [100_003] });
    expect(none[0]?.failure).toBe('Error: the environment did not answer reset within 50 ms');
    // There is no state that it could begin with.
    expect(none[0]?.replay).toBeUndefined();
  });

  it('environments are reset side by side: one that is slow holds up nobody', async () => {
    const asked: (() => void)[] = [];
    const task = shortTask(1, (environment, seed) => ({
      // None answers before all were asked.
      reset: async (next) => {
        await new Promise<void>((resolve) => {
          asked.push(resolve);
          if (asked.length === SEEDS.length) asked.forEach((answer) => answer());
        });
        await environment.reset(next);
      },
      step: () => ({ reward: seed() >= 0 ? 1 : 0, success: true }),
    }));
    const found = await run('ddim:1', { task, stepTimeoutMs: 1000 });
    expect(found.map(({ failure }) => failure)).toEqual([undefined, undefined, undefined]);
  });

  it('a sensor that is not finite ends its own episode, and no other', async () => {
    const expected = await run('ddim:2', { task: shortTask(16) });
    let steps = 0;
    const task = shortTask(16, (environment, seed) => ({
      step: (action) => {
        if (seed() === 100_004) steps++;
        return environment.step(action);
      },
      observe: () => {
        const seen = environment.observe();
        return seed() === 100_004 && steps === 8 ? { ...seen, 'observation.state': [Number.NaN, 0] } : seen;
      },
    }));
    const found = await run('ddim:2', { task });
    expect(found[1]).toMatchObject({
      ticks: 8,
      failure: expect.stringMatching(/^ObservationError: the environment: observation "observation\.state" has NaN at index \d/),
    });
    // A state for every tick, and the one before the first.
    expect(found[1]?.replay?.states).toHaveLength(9 * 5);
    expect([found[0], found[2]]).toEqual([expected[0], expected[2]]);
  });

  it('an observation in other units than the policy was trained on ends its own episode, with the reason, and no other', async () => {
    const expected = await run('ddim:2', { task: shortTask(16) });
    const task = shortTask(16, (environment, seed) => ({
      observe: () => {
        const seen = environment.observe();
        return seed() === 100_004 ? { ...seen, 'observation.state': [1e9, 0] } : seen;
      },
    }));
    const found = await run('ddim:2', { task });
    expect(found[1]).toMatchObject({
      decisions: 0,
      failure: expect.stringMatching(/^ObservationError: .*has 1000000000 at index 0.*Wrong units\?$/),
    });
    expect([found[0], found[2]]).toEqual([expected[0], expected[2]]);
    const options = { task, strategy: parseStrategy('ddim:2'), seed: 100_004, decisions: 4, budgetMs: 60_000 };
    await expect(measureLatency(policy(), options)).resolves.toBeDefined();
  });

  it('an environment that cannot be reset is not asked for a state', async () => {
    const task = shortTask(16, () => ({
      reset: () => Promise.reject(new Error('the door is open')),
      snapshot: () => {
        throw new Error('there is no state');
      },
    }));
    const [only] = await run('ddim:2', { task, seeds: [100_003] });
    expect(only).toMatchObject({ ticks: 0, score: 0, failure: 'Error: the door is open' });
    expect(only).not.toHaveProperty('replay');
  });

  it('an environment may reuse the arrays of its observations', async () => {
    const reused = shortTask(16, (environment) => {
      const arrays: Record<string, number[]> = {};
      const observe = (): Record<string, number[]> => {
        for (const [name, values] of Object.entries(environment.observe()))
          Array.from(values as ArrayLike<number>).forEach((value, i) => ((arrays[name] ??= [])[i] = value));
        return arrays;
      };
      return { observe };
    });
    expect(await run('ddim:2', { task: reused })).toEqual(await run('ddim:2', { task: shortTask(16) }));
  });

  it('refuses a batch of nothing, with which it would never end', async () => {
    await expect(run('ddim:2', { parallel: 0 })).rejects.toThrow(/evaluate: parallel must be an integer from 1/);
  });

  it('a reward that is not a number is a failure, never a score', async () => {
    const task = shortTask(16, () => ({ step: () => ({ reward: Number.NaN, success: false }) }));
    const [only] = await run('ddim:2', { task, seeds: [100_003] });
    expect(only).toMatchObject({ score: 0, failure: 'TypeError: the environment returned the reward NaN, expected a number from 0 to 1' });
  });

  it.each([1e308, -0.5, 1.01])('a reward of %d is a failure too: scores are from 0 to 1', async (reward) => {
    const task = shortTask(16, () => ({ step: () => ({ reward, success: false }) }));
    const [only] = await run('ddim:2', { task, seeds: [100_003] });
    expect(only).toMatchObject({
      score: 0,
      failure: `TypeError: the environment returned the reward ${reward}, expected a number from 0 to 1`,
    });
  });

  it('a failure is told in one line, whatever the environment calls it', async () => {
    const task = shortTask(16, () => ({ reset: () => Promise.reject(new Error('\x1b[2Jno\nnote: all is well')) }));
    const [only] = await run('ddim:2', { task, seeds: [100_003] });
    expect(only?.failure).toBe('Error: \\u001b[2Jno\\nnote: all is well');
  });

  it('an environment where nothing moves: the stall rule fires, and the ticks end it', async () => {
    const task = shortTask(32, () => ({ step: () => ({ reward: 0.25, success: false }) }));
    // Two decisions must be there to compare; how far apart those of random weights are does not matter here.
    for (const [eps, stalls] of [
      [5, 2],
      [1e-9, 0],
    ]) {
      const [only] = await run(`step:2/stall/eps=${eps}`, { task, seeds: [100_003] });
      expect(only).toMatchObject({ ticks: 32, decisions: 4, stalls, score: 0.25 });
    }
  });

  it('ends with success at once', async () => {
    const task = shortTask(24, () => ({ step: () => ({ reward: 1, success: true }) }));
    const found = await run('ddim:2', { task });
    expect(found.every(({ ticks, success, score }) => ticks === 1 && success && score === 1)).toBe(true);
  });

  it('interrupted, what was over is kept, and the rest gives the same numbers later', async () => {
    const expected = await run('ddim:2');
    const controller = new AbortController();
    const kept: EpisodeRecord[] = [];
    const interrupted = run('ddim:2', {
      parallel: 1,
      signal: controller.signal,
      onEpisode: (record) => {
        kept.push(record);
        controller.abort(new Error('enough'));
      },
    });
    await expect(interrupted).rejects.toThrow('enough');
    expect(kept).toEqual([expected[0]]);
    expect(await run('ddim:2', { seeds: SEEDS.slice(1) })).toEqual(expected.slice(1));
  });
});

describe('a network that is not finite', () => {
  const device = useTestDevice();

  /** The trained policy with other FiLM weights of one block: numbers mean nothing, but they are finite for usual observations. */
  async function fragilePolicy(weight: number): Promise<Policy> {
    const changed = await new ChangedCheckpoint('step-pusht-trained').tensors((tensors) =>
      tensors.map((tensor) => {
        if (!tensor.name.endsWith('mid_modules.0.cond_encoder.1.weight')) return tensor;
        const elements = tensor.shape.reduce((all, size) => all * size, 1);
        return { ...tensor, dtype: 'F32', data: irregular(elements).map((value) => value * weight) };
      }),
    );
    // Without statistics, which no observation would be enormous for.
    changed.steps(PRE, (steps) => {
      for (const { config } of steps) if (config.norm_map) Object.assign(config.norm_map, { STATE: 'IDENTITY', ENV: 'IDENTITY' });
    });
    return loadPolicy(changed.source, { device: device() });
  }

  const evaluated = (policy: Policy, task: Task): Promise<EpisodeRecord[]> =>
    evaluate(policy, { task, strategy: parseStrategy('ddim:2'), seeds: SEEDS, parallel: 3 });

  it('ends its own episode, and no other', async () => {
    const policy = await fragilePolicy(1e4);
    const expected = await evaluated(policy, shortTask(16));
    expect(expected.map(({ failure }) => failure)).toEqual([undefined, undefined, undefined]);
    // Finite, and too large for the network: what it computes overflows.
    const found = await evaluated(
      policy,
      shortTask(16, (environment, seed) => ({
        observe: () => (seed() === 100_004 ? enormous(environment.observe()) : environment.observe()),
      })),
    );
    expect(found[1]).toMatchObject({ seed: 100_004, ticks: 0, score: 0, success: false, decisions: 0 });
    expect(found[1]?.failure).toMatch(
      /^NonFiniteError: decision 1 of the episode with seed 100004: the U-Net's output is NaN or infinite at denoising step 1 of 2/,
    );
    expect([found[0], found[2]]).toEqual([expected[0], expected[2]]);
    await policy.dispose();
  });

  it('for every observation: every episode says so, and the evaluation ends', async () => {
    const policy = await fragilePolicy(3e38);
    const found = await evaluated(policy, shortTask(16));
    expect(found.map(({ failure }) => failure?.slice(0, 14))).toEqual(['NonFiniteError', 'NonFiniteError', 'NonFiniteError']);
    await policy.dispose();
  });

  it('has no latencies, and measuring them ends', async () => {
    const policy = await fragilePolicy(3e38);
    const options = { task: shortTask(16), strategy: parseStrategy('ddim:2'), seed: 100_003, decisions: 4, budgetMs: 60_000 };
    expect(await measureLatency(policy, options)).toEqual({ latency: { samplesMs: [] } });
    await policy.dispose();
  });
});

describe('measureLatency', () => {
  const policy = useSmallPushTPolicy();

  it('tells first decisions from later ones where they are sampled differently', async () => {
    const options = { task: shortTask(24), seed: 100_000, decisions: 4, budgetMs: 60_000 };
    const step = await measureLatency(policy(), { ...options, strategy: parseStrategy('step:1') });
    expect(step.latency.samplesMs.length).toBeGreaterThanOrEqual(4);
    expect(step.coldLatency?.samplesMs.length).toBeGreaterThanOrEqual(3);
    const ddim = await measureLatency(policy(), { ...options, strategy: parseStrategy('ddim:1') });
    expect(ddim.coldLatency).toBeUndefined();
    expect(ddim.latency.samplesMs.every((ms) => ms > 0)).toBe(true);
  });

  it('ends where an environment fails in every episode', async () => {
    const task = shortTask(24, () => ({ step: () => Promise.reject(new Error('no power')) }));
    // Beyond its time this loop would go on for ever, without a pause that a test's own limit could use.
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(new Error('still measuring')), 30_000);
    const options = { task, seed: 100_000, decisions: 4, budgetMs: 60_000, signal: controller.signal };
    const { latency } = await measureLatency(policy(), { ...options, strategy: parseStrategy('ddim:1') });
    clearTimeout(timer);
    expect(latency.samplesMs.length).toBeGreaterThan(0);
  });

  it('stops at its time budget', async () => {
    const options = { task: shortTask(300), seed: 100_000, decisions: 10_000, budgetMs: 1 };
    const { latency } = await measureLatency(policy(), { ...options, strategy: parseStrategy('ddim:1') });
    expect(latency.samplesMs.length).toBeLessThan(20);
  });
});

function enormous(observation: Observation): Record<string, number[]> {
  return Object.fromEntries(
    Object.entries(observation).map(([name, values]) => [name, Array.from(values as ArrayLike<number>, () => 3e38)]),
  );
}
