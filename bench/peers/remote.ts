import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { EngineDetails, EngineSpec } from './engine.js';
import type { Reply, Request } from './messages.js';
import type { Workload } from './networks.js';

/** Characters of a worker's standard error that are kept for the message of a crash. */
const KEPT_OUTPUT = 2000;

/** An engine in a process of its own. Calls must not overlap. */
export class RemoteEngine {
  readonly details: EngineDetails;
  /** From the request to an engine that is loaded, without its first run. */
  readonly openMs: number;
  readonly #worker: Worker;

  private constructor(worker: Worker, details: EngineDetails, openMs: number) {
    this.#worker = worker;
    this.details = details;
    this.openMs = openMs;
  }

  /** @throws Error with the reason why the engine cannot be had. */
  static async open(spec: EngineSpec): Promise<RemoteEngine> {
    const worker = new Worker();
    try {
      const { details, openMs } = await worker.request({ kind: 'open', spec }, 'opened');
      return new RemoteEngine(worker, details, openMs);
    } catch (error) {
      await worker.close();
      throw error;
    }
  }

  /** Milliseconds of each run, and the result of the last. */
  run(workload: Workload, runs: number): Promise<{ readonly samples: readonly number[]; readonly output: Float32Array }> {
    return this.#worker.request({ kind: 'run', workload, runs }, 'ran');
  }

  close(): Promise<void> {
    return this.#worker.close();
  }
}

class Worker {
  readonly #process: ChildProcess;
  #errors = '';

  constructor() {
    // Advanced serialisation knows typed arrays.
    this.#process = fork(new URL('./worker.js', import.meta.url), {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-KEPT_OUTPUT);
    });
  }

  /** @throws Error where the engine failed, or its process ended. */
  async request<K extends Reply['kind']>(request: Request, kind: K): Promise<Extract<Reply, { kind: K }>> {
    const ended = new AbortController();
    const child = this.#process;
    const crash = once(child, 'exit', { signal: ended.signal }).then(([code, signal]: unknown[]) => {
      throw new Error(`its process ended with ${String(signal ?? code)}: ${this.#errors.trim() || 'it said nothing'}`);
    });
    const reply = once(child, 'message', { signal: ended.signal }).then(([message]: unknown[]) => message as Reply);
    const refused = new Promise<never>((_, reject) => {
      child.send(request, (error) => error && reject(new Error(`its process is gone: ${this.#errors.trim() || error.message}`)));
    });
    // Whoever comes second is told to stop waiting, and that is no error.
    for (const wait of [crash, reply, refused]) wait.catch(() => {});
    try {
      const found = await Promise.race([reply, crash, refused]);
      if (found.kind === 'failed') throw new Error(found.message);
      if (found.kind !== kind) throw new TypeError(`a worker answered "${found.kind}" where "${kind}" was expected`);
      return found as Extract<Reply, { kind: K }>;
    } finally {
      ended.abort();
    }
  }

  async close(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exit = once(this.#process, 'exit');
    if (this.#process.connected) this.#process.disconnect();
    await exit;
  }
}
