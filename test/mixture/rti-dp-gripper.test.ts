import { describe, expect, it } from 'vitest';
import type { Task } from '../../src/envs/environment.js';
import { evaluate } from '../../src/evaluation/evaluate.js';
import type { KernelDemonstrations } from '../../src/mixture/demonstrations.js';
import { kernelPolicy } from '../../src/mixture/kernel-policy.js';
import { parseStrategy } from '../../src/strategies/parse.js';
import { TOY_SCENE } from '../support/toy-task.js';

const STEPS = 40;
const TICKS = 80;

/** A point that goes from 0 to 1 at a steady pace, closes a gripper half way (−1 to 1), and is where it was sent. */
function grippingDemonstrations(): KernelDemonstrations {
  const episode = Array.from({ length: STEPS + 10 }, (_, i) => [Math.min(1, (i + 1) / STEPS), i < STEPS / 2 ? -1 : 1] as const);
  const all = [episode, episode, episode];
  return {
    name: 'a gripper on a line',
    observations: [
      { name: 'observation.state', size: 2, values: all.flatMap((rows) => rows.flatMap((_, i) => [...(rows[i - 1] ?? [0, -1])])) },
    ],
    actions: all.flatMap((rows) => rows.flatMap((row) => [...row])),
    actionDim: 2,
    episodeEnds: all.map((rows, i) => (i + 1) * rows.length),
  };
}

/** Solved at the end of the line with the gripper closed. */
const task: Task = {
  name: 'line',
  maxTicks: TICKS,
  scene: TOY_SCENE,
  create: async () => {
    let state = [0, -1];
    return {
      reset: () => {
        state = [0, -1];
      },
      observe: () => ({ 'observation.state': state }),
      step: (action) => {
        state = [...Array.from(action)];
        const [x = 0, gripper = 0] = state;
        const success = x > 0.95 && gripper > 0.5;
        return { reward: Number(success), success };
      },
      snapshot: () => [...state, 0],
    };
  },
};

describe('RTI-DP on demonstrations that close a gripper', () => {
  const solved = async (spelled: string): Promise<number> => {
    const options = { task, strategy: parseStrategy(spelled), seeds: [0, 1], parallel: 2 };
    const records = await evaluate(kernelPolicy(grippingDemonstrations()), options);
    expect(records.map(({ failure }) => failure)).toEqual(new Array(2).fill(undefined));
    return records.filter(({ success }) => success).length;
  };

  it('does not get there: the chunk that it remembers says open, in every row, at the least noise', async () => {
    expect(await solved('rti-dp')).toBe(0);
    expect(await solved('rti-dp/gripper=1')).toBe(0);
    expect(await solved('rti-dp/timesteps=lift-clip/gripper=1')).toBe(0);
  });

  it('closes it where the chunk is remembered with a tenth of that, and taken for as noisy as the published lists have it', async () => {
    expect(await solved('rti-dp/timesteps=lift-clip/gripper=1/factor=10')).toBe(2);
    expect(await solved('rti-dp/timesteps=can-clip/gripper=1/factor=10')).toBe(2);
  });

  it('is no matter of strategies that begin from noise', async () => {
    expect(await solved('ddim:4')).toBe(2);
  });
});
