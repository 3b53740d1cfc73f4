import type { MessagePort } from 'node:worker_threads';
import type { EnvironmentStep } from '../../envs/environment.js';
import { localSimulations } from '../../envs/mujoco/local.js';
import type { SimulatedTask, TaskSimulation } from '../../envs/mujoco/task.js';
import { parseSimulatedTask } from '../../envs/simulated-tasks.js';
import type { SimulationPresent, ToSimulation } from './messages.js';
import { importMujoco } from './mujoco.js';

/** A thread's half: simulations with a MuJoCo of its own, each call answered in its turn. `port`: the thread's `parentPort`. */
export function serveSimulations(port: MessagePort): void {
  const open = localSimulations('a simulation thread', importMujoco);
  // Idle simulations are found by their task, so that a name gives the same one.
  const tasks = new Map<string, SimulatedTask>();
  const running = new Map<number, TaskSimulation>();

  const taskOf = (name: string): SimulatedTask => {
    const task = tasks.get(name) ?? parseSimulatedTask(name);
    if (!task) throw new Error(`there is no task "${name}"`);
    tasks.set(name, task);
    return task;
  };
  const there = (simulation: number): TaskSimulation => {
    const found = running.get(simulation);
    if (!found) throw new Error(`simulation ${simulation} is not open`);
    return found;
  };

  const present = (simulation: TaskSimulation, { reward, success }: EnvironmentStep): SimulationPresent => {
    const sight = simulation.sight?.();
    return { observation: simulation.observe(), snapshot: simulation.snapshot(), ...(sight && { sight }), reward, success };
  };

  async function answer(message: ToSimulation): Promise<SimulationPresent | null> {
    switch (message.call) {
      case 'open':
        running.set(message.simulation, await open(taskOf(message.task)));
        return null;
      case 'close':
        running.get(message.simulation)?.close();
        running.delete(message.simulation);
        return null;
      case 'reset': {
        const simulation = there(message.simulation);
        await simulation.reset(message.seed);
        return present(simulation, { reward: 0, success: false });
      }
      case 'step': {
        const simulation = there(message.simulation);
        return present(simulation, await simulation.step(message.action));
      }
    }
  }

  port.on('message', (message: ToSimulation) => {
    const { id } = message;
    answer(message).then(
      (result) => port.postMessage({ id, result }),
      ({ name, message: text }: Error) => port.postMessage({ id, error: { name, message: text } }),
    );
  });
}
