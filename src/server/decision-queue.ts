import { DeviceLostError } from '../foundation/errors.js';
import type { Observation } from '../observations/frame.js';
import type { Decision } from '../policy/decision-result.js';
import type { Episode } from '../policy/episode.js';
import { ServerBusyError } from './errors.js';
import type { ServerMetrics } from './metrics.js';
import type { ServedPolicy } from './served-policy.js';

interface Waiting {
  readonly episode: Episode;
  readonly window: Observation;
  readonly resolve: (decision: Decision) => void;
  readonly reject: (reason: unknown) => void;
}

export interface QueueOptions {
  /** Decisions that are made together at most. */
  readonly maxBatch: number;
  /** Requests that wait at most. */
  readonly maxWaiting: number;
  readonly metrics: ServerMetrics;
  readonly onLost: (lost: DeviceLostError) => void;
}

/**
 * One decision after the other, each of all that wait when it begins: while a decision of one robot runs, requests of others gather, and are
 * decided together. Nobody waits for company.
 */
export class DecisionQueue {
  readonly #policy: ServedPolicy;
  readonly #options: QueueOptions;
  #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;
  #closed: Error | undefined;

  constructor(policy: ServedPolicy, options: QueueOptions) {
    this.#policy = policy;
    this.#options = options;
  }

  get length(): number {
    return this.#waiting.length;
  }

  /** The next decision of an episode, which must not wait already. @throws as decideAllSettled; ServerBusyError where too many wait. */
  decide(episode: Episode, window: Observation): Promise<Decision> {
    if (this.#closed) return Promise.reject(this.#closed);
    if (this.#waiting.length >= this.#options.maxWaiting) {
      return Promise.reject(
        new ServerBusyError(`the server is busy: ${this.#waiting.length} requests wait for a decision. Ask again later, or less often.`),
      );
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ episode, window, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** Refuses what waits and what comes with this reason; resolves when the running decision is made. */
  async close(reason: Error): Promise<void> {
    this.#closed ??= reason;
    this.#refuse(reason);
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) await this.#decideTogether(this.#waiting.splice(0, this.#options.maxBatch));
    this.#running = undefined;
  }

  async #decideTogether(batch: readonly Waiting[]): Promise<void> {
    const { metrics, onLost } = this.#options;
    const started = performance.now();
    try {
      const results = await this.#policy.decideAllSettled(batch.map(({ episode, window }) => ({ episode, window })));
      metrics.measure('decisionSeconds', (performance.now() - started) / 1000);
      metrics.measure('batchSize', batch.length);
      results.forEach((result, place) => {
        const { resolve, reject } = batch[place] as Waiting;
        if (result.status === 'fulfilled') resolve(result.value);
        else reject(result.reason);
      });
    } catch (error) {
      for (const { reject } of batch) reject(error);
      if (!(error instanceof DeviceLostError)) return;
      this.#refuse(error);
      onLost(error);
    }
  }

  #refuse(reason: Error): void {
    for (const { reject } of this.#waiting.splice(0)) reject(reason);
  }
}
