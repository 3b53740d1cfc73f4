import type { Task } from '../../src/envs/environment.js';
import type { KernelDemonstrations } from '../../src/mixture/demonstrations.js';
import { TOY_SCENE } from './toy-task.js';

/** Ticks of a hesitation half way: longer than a chunk, so that most chunks of it hold still to their end. */
const PAUSE = 40;
const STEPS = 20;

/** The way of a demonstration from 0 to 1 at a steady pace, which holds still half way. */
function way(pause: number): number[] {
  const half = STEPS / 2;
  const moving = Array.from({ length: STEPS }, (_, i) => (i + 1) / STEPS);
  return [...moving.slice(0, half), ...new Array<number>(pause).fill(0.5), ...moving.slice(half), ...new Array<number>(10).fill(1)];
}

/** Demonstrations of a point that moves along a line and hesitates: its place, and the place it is sent to. */
export function pausedDemonstrations(pause = PAUSE): KernelDemonstrations {
  const actions = [0, 1, 2, 3].flatMap((extra) => way(pause === 0 ? 0 : pause + extra));
  const lengths = [0, 1, 2, 3].map((extra) => way(pause === 0 ? 0 : pause + extra).length);
  let end = 0;
  const ends = lengths.map((length) => (end += length));
  const states = actions.map((_, i) => (i === 0 || ends.includes(i) ? 0 : (actions[i - 1] as number)));
  // A second value of each, so that sizes differ from one.
  const twice = (values: readonly number[]): number[] => values.flatMap((value) => [value, 1 - value]);
  return {
    name: 'a line with a pause',
    observations: [{ name: 'observation.state', size: 2, values: twice(states) }],
    actions: twice(actions),
    actionDim: 2,
    episodeEnds: ends,
  };
}

/** The same point, with a perfect servo: it is where it was sent. Solved at the end of the line. */
export function lineTask(maxTicks: number): Task {
  return {
    name: 'line',
    maxTicks,
    scene: TOY_SCENE,
    create: async () => {
      let place = [0, 1];
      return {
        reset: () => {
          place = [0, 1];
        },
        observe: () => ({ 'observation.state': place }),
        step: (action) => {
          place = [...Array.from(action)];
          const [x = 0] = place;
          return { reward: Math.min(1, Math.max(0, x)), success: x > 0.95 };
        },
        snapshot: () => [...place, 0],
      };
    },
  };
}
