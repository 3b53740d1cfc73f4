import { PUSH_T_TASK, type Task, type TaskEnvironment } from '../../src/evaluation/task.js';

/** Push-T cut after a few ticks, so that tests end; environments can be changed. */
export function shortTask(maxTicks: number, change: (environment: TaskEnvironment, seed: () => number) => Partial<TaskEnvironment> = () => ({})): Task {
  return {
    ...PUSH_T_TASK,
    maxTicks,
    create: () => {
      const environment = PUSH_T_TASK.create();
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
