import { describe, expect, it } from 'vitest';
import { EnvironmentLostError, type Task } from '../../src/envs/environment.js';
import { evaluate } from '../../src/evaluation/evaluate.js';
import { playEpisode } from '../../src/evaluation/play.js';
import { parseStrategy } from '../../src/strategies/parse.js';
import { useSmallPushTPolicy } from '../support/small-push-t.js';
import { toyTask } from '../support/toy-task.js';

/** The lamp, and how many of its environments are open. */
function counted(maxTicks: number, failingStep = Infinity): { task: Task; open(): number; made(): number } {
  const task = toyTask(maxTicks);
  let [open, made] = [0, 0];
  return {
    task: {
      ...task,
      create: async () => {
        const environment = await task.create();
        open++;
        made++;
        let steps = 0;
        return {
          ...environment,
          step: (action) => {
            if (++steps === failingStep) throw new Error('the lamp is broken');
            return environment.step(action);
          },
          close: () => void open--,
        };
      },
    },
    open: () => open,
    made: () => made,
  };
}

describe('an environment that has something to give back', () => {
  const policy = useSmallPushTPolicy();
  const strategy = parseStrategy('ddim:1');

  it('is closed when its episode is over, once, and before the next one begins', async () => {
    const { task, open, made } = counted(4);
    const most: number[] = [];
    await evaluate(policy(), { task, strategy, seeds: [1, 2, 3], parallel: 1, onEpisode: () => void most.push(open()) });
    expect(most).toEqual([0, 0, 0]);
    expect([open(), made()]).toEqual([0, 3]);
  });

  it('is closed where it failed, and where the evaluation was ended', async () => {
    const failing = counted(4, 2);
    const [record] = await evaluate(policy(), { task: failing.task, strategy, seeds: [1], parallel: 1 });
    expect(record?.failure).toMatch(/the lamp is broken/);
    expect(failing.open()).toBe(0);
    const ended = counted(40);
    const abortion = new AbortController();
    const run = evaluate(policy(), {
      task: ended.task,
      strategy,
      seeds: [1, 2],
      parallel: 2,
      signal: abortion.signal,
      onRound: () => abortion.abort(new Error('enough')),
    });
    await expect(run).rejects.toThrow('enough');
    expect([ended.open(), ended.made()]).toEqual([0, 2]);
  });

  it.each(['create', 'reset', 'step'])('ends the evaluation, and no episode as failed, where it is lost: %s', async (call) => {
    const { task, open } = counted(4);
    const room = 2;
    const lost = (): never => {
      throw new EnvironmentLostError('there is no room for a third lamp');
    };
    let made = 0;
    const small: Task = {
      ...task,
      create: async () => {
        if (++made > room && call === 'create') lost();
        const environment = await task.create();
        return made > room ? { ...environment, [call]: lost } : environment;
      },
    };
    const over: number[] = [];
    const run = (seeds: number[], parallel: number) =>
      evaluate(policy(), { task: small, strategy, seeds, parallel, onEpisode: ({ seed }) => void over.push(seed) });
    await expect(run([1, 2, 3, 4], 3)).rejects.toThrow(EnvironmentLostError);
    expect([over, open()]).toEqual([[], 0]);
    await expect(playEpisode(policy(), { task: small, strategy: strategy.options, seed: 1 })).rejects.toThrow('no room for a third lamp');
    // Beside fewer the same seeds are played.
    made = 0;
    expect((await run([1, 2], 2)).map(({ failure }) => failure)).toEqual([undefined, undefined]);
    expect([over, open()]).toEqual([[1, 2], 0]);
  });

  it('is lost behind episodes that are over, which are handed over', async () => {
    const { task, open } = counted(1);
    let made = 0;
    const losing: Task = {
      ...task,
      create: async () => {
        const environment = await task.create();
        if (++made === 1) return environment;
        return {
          ...environment,
          step: () => {
            throw new EnvironmentLostError('the second lamp is gone');
          },
        };
      },
    };
    const over: number[] = [];
    const onEpisode = ({ seed }: { readonly seed: number }): void => void over.push(seed);
    await expect(evaluate(policy(), { task: losing, strategy, seeds: [1, 2], parallel: 2, onEpisode })).rejects.toThrow('the second lamp');
    expect([over, open()]).toEqual([[1], 0]);
    // Whoever cannot take them is not what it ended by.
    made = 0;
    const failing = (): never => {
      throw new Error('the disk is full');
    };
    const again = evaluate(policy(), { task: losing, strategy, seeds: [1, 2], parallel: 2, onEpisode: failing });
    await expect(again).rejects.toThrow('the second lamp');
  });

  it('is closed where it came too late', async () => {
    const { task, open, made } = counted(4);
    const late: Task = {
      ...task,
      create: async () => {
        await new Promise((resolve) => setTimeout(resolve, 60));
        return task.create();
      },
    };
    const [record] = await evaluate(policy(), { task: late, strategy, seeds: [1], parallel: 1, stepTimeoutMs: 5 });
    expect(record?.failure).toMatch(/did not answer create within 5 ms/);
    await expect.poll(made).toBe(1);
    await expect.poll(open).toBe(0);
  });

  it('is closed after an episode that was played, whose record stays', async () => {
    const { task, open } = counted(4);
    const rollout = await playEpisode(policy(), { task, seed: 1, strategy: strategy.options });
    expect(open()).toBe(0);
    expect(rollout.record()).toMatchObject({ ticks: 4, success: true });
    expect(() => rollout.snapshot).toThrow(/no environment before begin\(\) or after close\(\)/);
  });
});
