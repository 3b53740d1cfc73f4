import type { Task } from '../../src/envs/environment.js';
import { type Scene, sceneAxes } from '../../src/envs/scene.js';

/** A lamp that moves and warms up: three numbers for a state, two for a target, and a board of its own. */
export const TOY_SCENE: Scene = {
  title: 'The lamp <of the test>',
  scoring: 'how warm the lamp is.',
  tickRate: 4,
  snapshot: [...sceneAxes(1, 'x', 'y'), ...sceneAxes(0, 'warmth')],
  targets: sceneAxes(2, 'x', 'y'),
  board: {
    width: 40,
    height: 20,
    markup: '<circle data-part="lamp" r="2"></circle>',
    style: '.lamp-of-the-toy { fill: gold; }',
    legend: 'The disc is the lamp.',
    show: (part, { tick, states }) => part('lamp').setAttribute('transform', `translate(${states[3 * tick]} ${states[3 * tick + 1]})`),
  },
  describeReward: (reward) => `warmth ${reward}`,
};

/** A task that is not the package's: it is connected to, and everything it does takes its time. Reads what the bundled policy reads. */
export function toyTask(maxTicks: number, scene: Scene = TOY_SCENE): Task {
  const later = <T>(value: T): Promise<T> => new Promise((resolve) => setTimeout(resolve, 1, value));
  return {
    name: 'lamp',
    maxTicks,
    scene,
    create: async () => {
      await later(undefined);
      let [x, y, warmth] = [0, 0, 0];
      return {
        reset: async (seed) => {
          [x, y, warmth] = [100.04 + (seed % 10), 200.06, 0];
          await later(undefined);
        },
        observe: () => ({ 'observation.state': [x, y], 'observation.environment_state': new Array<number>(16).fill(256) }),
        step: (action) => {
          [x, y] = [x + 0.1 * ((action[0] as number) - x), y + 0.1 * ((action[1] as number) - y)];
          warmth++;
          return later({ reward: warmth / 100, success: warmth === maxTicks });
        },
        snapshot: () => [x, y, warmth],
      };
    },
  };
}
