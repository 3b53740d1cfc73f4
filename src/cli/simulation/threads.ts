import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { EnvironmentLostError } from '../../envs/environment.js';
import { localSimulations } from '../../envs/mujoco/local.js';
import type { Sight } from '../../envs/mujoco/sight.js';
import type { OpenSimulation, SimulatedTask, TaskSimulation } from '../../envs/mujoco/task.js';
import type { FromSimulation, SimulationCall, SimulationPresent } from './messages.js';
import { importMujoco } from './mujoco.js';

const THREAD = new URL('./thread.js', import.meta.url);

/** Each compiles MuJoCo for itself. */
const MOST_USUAL = 16;

/** As many as there are cores besides the one that decides, and no more than are soon ready. */
export function usualThreads(): number {
  return Math.min(MOST_USUAL, availableParallelism() - 1);
}

/**
 * Simulations in so many threads, or in this one where there are fewer than two, or where the package was not compiled. An episode has
 * the same bits wherever it runs.
 */
export function simulations(threads: number, file: URL = THREAD): OpenSimulation {
  if (threads < 2 || !existsSync(fileURLToPath(file))) return localSimulations('simulations', importMujoco);
  let pool: SimulationThread[] = [];
  let next = 0;
  return async (task) => {
    pool = pool.filter(({ isAlive }) => isAlive);
    // A thread is started with the first simulation that needs it; the least busy one takes the next.
    if (pool.length < threads && pool.every(({ open }) => open > 0)) pool.push(new SimulationThread(file));
    const thread = pool.reduce((least, one) => (one.open < least.open ? one : least));
    return thread.openSimulation(next++, task);
  };
}

/** A thread with some simulations. It keeps the process alive while something is asked of it, and no longer. */
class SimulationThread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, { resolve(result: SimulationPresent | null): void; reject(reason: Error): void }>();
  #calls = 0;
  #open = 0;
  #death: EnvironmentLostError | undefined;

  constructor(file: URL) {
    const main = `import(${JSON.stringify(file.href)}).then(({ serveSimulations }) => serveSimulations(require('node:worker_threads').parentPort))`;
    this.#worker = new Worker(main, { eval: true });
    this.#worker.unref();
    this.#worker.on('message', (message: FromSimulation) => this.#take(message));
    this.#worker.on('error', (error) => this.#die(error));
    this.#worker.on('exit', () => this.#die(new Error('it ended')));
  }

  get isAlive(): boolean {
    return this.#death === undefined;
  }

  /** Simulations that are open in it. */
  get open(): number {
    return this.#open;
  }

  async openSimulation(simulation: number, { name, isSeen }: SimulatedTask): Promise<TaskSimulation> {
    this.#open++;
    const ask = (call: SimulationCall): Promise<SimulationPresent | null> => this.#ask(simulation, call);
    await ask({ call: 'open', task: name }).catch((error: unknown) => {
      this.#open--;
      throw error;
    });
    let present: SimulationPresent = { observation: {}, snapshot: [], reward: 0, success: false };
    let isOver = false;
    const taken = async (call: SimulationCall): Promise<SimulationPresent> => {
      present = (await ask(call)) as SimulationPresent;
      return present;
    };
    return {
      reset: async (seed) => void (await taken({ call: 'reset', seed })),
      observe: () => present.observation,
      step: (action) => taken({ call: 'step', action: action.slice() }),
      snapshot: () => present.snapshot,
      ...(isSeen && { sight: () => present.sight as Sight }),
      close: () => {
        if (isOver) return;
        isOver = true;
        this.#open--;
        // Whoever closes does not wait; a thread that died has closed everything.
        ask({ call: 'close' }).catch(() => {});
      },
    };
  }

  #ask(simulation: number, call: SimulationCall): Promise<SimulationPresent | null> {
    if (this.#death) return Promise.reject(this.#death);
    const id = this.#calls++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.ref();
      this.#worker.postMessage({ ...call, id, simulation });
    });
  }

  #take(message: FromSimulation): void {
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (this.#waiting.size === 0) this.#worker.unref();
    if ('result' in message) waiting?.resolve(message.result);
    else waiting?.reject(errorOf(message.error));
  }

  #die(cause: Error): void {
    this.#death ??= new EnvironmentLostError(
      `a thread of simulations is gone: ${cause.message}. Run fewer side by side, or in fewer threads.`,
      {
        cause,
      },
    );
    for (const { reject } of this.#waiting.values()) reject(this.#death);
    this.#waiting.clear();
  }
}

/** As if it had happened here: what ends an evaluation does so from a thread as well. */
function errorOf({ name, message }: { readonly name: string; readonly message: string }): Error {
  return name === EnvironmentLostError.name ? new EnvironmentLostError(message) : Object.assign(new Error(message), { name });
}
