import { checkMujocoImport, type ImportMujoco, startMujoco } from './module.js';
import { SightReader } from './sight.js';
import type { SimulatedEnvironment } from './simulated-environment.js';
import type { OpenSimulation, SimulatedTask } from './task.js';

/**
 * Simulations in this thread. One that an episode is done with serves the next one of its task, since models are not collected: there
 * are never more than episodes that ran side by side.
 * @throws OptionError for what cannot bring a package.
 */
export function localSimulations(where: string, load: ImportMujoco): OpenSimulation {
  checkMujocoImport(where, load);
  const idle = new Map<SimulatedTask, SimulatedEnvironment[]>();
  // One for all simulations of a task: it remembers nothing of where things were.
  const readers = new Map<SimulatedTask, SightReader>();
  return async (task) => {
    const mujoco = await startMujoco(where, load);
    const free = idle.get(task) ?? [];
    idle.set(task, free);
    const environment = free.pop() ?? task.create(mujoco);
    const reader = task.isSeen ? (readers.get(task) ?? new SightReader(mujoco, task.demonstrations.model, task.cameras)) : undefined;
    if (reader) readers.set(task, reader);
    let isOver = false;
    return {
      reset: (seed) => void environment.reset(seed),
      observe: () => environment.observe(),
      step: (action) => environment.step(action),
      snapshot: () => environment.snapshot(),
      ...(reader && {
        sight: () => {
          const { simulation } = environment.body;
          return reader.at(simulation.views.qpos, simulation.mocapPoses());
        },
      }),
      close: () => {
        if (!isOver) free.push(environment);
        isOver = true;
      },
    };
  };
}
