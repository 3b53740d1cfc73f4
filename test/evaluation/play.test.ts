import { describe, expect, it } from 'vitest';
import { evaluate } from '../../src/evaluation/evaluate.js';
import { playEpisode } from '../../src/evaluation/play.js';
import { NonFiniteError } from '../../src/foundation/errors.js';
import type { Policy } from '../../src/policy/policy.js';
import { parseStrategy } from '../../src/strategies/parse.js';
import { useSmallPushTPolicy } from '../support/small-push-t.js';
import { shortTask } from '../support/tasks.js';

const SEED = 100_003;

describe('an episode that is played', () => {
  const policy = useSmallPushTPolicy();
  const strategy = parseStrategy('step:1');
  const options = { task: shortTask(20), strategy: strategy.options, seed: SEED };

  it('is the one that an evaluation runs, and keeps no replay unless it is asked to', async () => {
    const [expected] = await evaluate(policy(), { task: options.task, strategy, seeds: [SEED], parallel: 1, keepReplay: () => true });
    const { replay, ...rest } = expected!;
    expect((await playEpisode(policy(), options)).record()).toEqual(rest);
    expect((await playEpisode(policy(), { ...options, keepReplay: true })).record()).toEqual({ ...rest, replay });
  });

  it('tells of every decision before it is executed, and of every tick after it', async () => {
    const told: string[] = [];
    await playEpisode(policy(), {
      ...options,
      onDecision: (_, { index, tick }) => void told.push(`decision ${index} at ${tick}`),
      onTick: ({ ticks }) => void (ticks % 8 === 0 && told.push(`tick ${ticks}`)),
    });
    expect(told).toEqual(['decision 0 at 0', 'tick 8', 'decision 1 at 8', 'tick 16', 'decision 2 at 16']);
  });

  it('ends where there is enough of it, and where it is aborted', async () => {
    expect((await playEpisode(policy(), { ...options, isEnough: (decisions) => decisions === 2 })).ticks).toBe(16);
    const controller = new AbortController();
    const onTick = (): void => controller.abort(new Error('enough'));
    await expect(playEpisode(policy(), { ...options, signal: controller.signal, onTick })).rejects.toThrow('enough');
  });

  it('ends as a failure where the network is not finite, and as an error where something else is wrong', async () => {
    const broken = (error: Error): Policy => {
      const whole = policy();
      const stub: Pick<Policy, 'info' | 'beginEpisode' | 'decideAll'> = {
        info: whole.info,
        beginEpisode: (episode) => whole.beginEpisode(episode),
        decideAll: () => Promise.reject(error),
      };
      return stub as Policy;
    };
    const failed = await playEpisode(broken(new NonFiniteError('the output is NaN')), options);
    expect(failed.isOver).toBe(true);
    expect(failed.record()).toMatchObject({ ticks: 0, success: false, failure: 'NonFiniteError: the output is NaN' });
    await expect(playEpisode(broken(new TypeError('a bug')), options)).rejects.toThrow('a bug');
  });
});
