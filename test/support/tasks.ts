import type { Task, TaskEnvironment } from '../../src/envs/environment.js';
import { pushTTask } from '../../src/envs/push-t/task.js';

/** What the bundled policy reads. */
const BUNDLED = {
  name: 'pusht-state',
  actionDim: 2,
  observations: [
    ['observation.state', 2],
    ['observation.environment_state', 16],
  ].map(([name, size]) => ({ kind: 'vector' as const, name: name as string, feature: name as string, size: size as number })),
};

/** Push-T cut after a few ticks, so that tests end; environments can be changed. */
export function shortTask(
  maxTicks: number,
  change: (environment: TaskEnvironment, seed: () => number) => Partial<TaskEnvironment> = () => ({}),
): Task {
  const whole = pushTTask(BUNDLED);
  return {
    ...whole,
    maxTicks,
    create: async () => {
      const environment = await whole.create();
      let seed = -1;
      return {
        ...environment,
        reset: (next) => {
          seed = next;
          return environment.reset(next);
        },
        ...change(environment, () => seed),
      };
    },
  };
}
