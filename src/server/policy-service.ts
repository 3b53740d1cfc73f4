import { DeviceLostError, NoAdapterError } from '../foundation/errors.js';
import type { Observation } from '../observations/frame.js';
import type { Decision } from '../policy/decision-result.js';
import type { Episode } from '../policy/episode.js';
import { DecisionQueue } from './decision-queue.js';
import { ServerBusyError } from './errors.js';
import type { OnServerEvent } from './events.js';
import { ServerMetrics } from './metrics.js';
import type { ServedPolicy } from './served-policy.js';

export type ServiceStatus = 'loading' | 'ready' | 'recovering' | 'failed' | 'stopped';

export interface ServiceOptions {
  readonly maxBatch: number;
  readonly maxWaiting: number;
  readonly onEvent: OnServerEvent;
  /** Milliseconds before each attempt to reopen a lost device. */
  readonly reloadPausesMs?: readonly number[];
}

/** A driver that is reset may have no adapter for seconds. */
const RELOAD_PAUSES_MS = [0, 250, 1000, 3000];

/** A policy for many clients: loaded and warm before the first decision, decided for in batches, reloaded when its device is lost. */
export class PolicyService {
  readonly metrics = new ServerMetrics();
  readonly #options: ServiceOptions;
  readonly #listeners: ((lost: DeviceLostError) => void)[] = [];
  readonly #fail: (error: unknown) => void;
  #status: ServiceStatus = 'loading';
  #ready: Promise<ServedPolicy>;
  #policy: ServedPolicy | undefined;
  #queue: DecisionQueue | undefined;
  /** Rejects with the reason where the policy cannot be loaded, or its device not be reopened. */
  readonly failure: Promise<never>;

  /** `policy`: loaded, or about to be. */
  constructor(policy: ServedPolicy | Promise<ServedPolicy>, options: ServiceOptions) {
    this.#options = options;
    let fail = (_: unknown): void => {};
    this.failure = new Promise((_, reject) => {
      fail = reject;
    });
    this.failure.catch(() => {});
    this.#fail = fail;
    this.#ready = this.#begin(policy);
    this.#ready.catch(() => {});
  }

  get status(): ServiceStatus {
    return this.#status;
  }

  /** Undefined while it is loaded. */
  get policy(): ServedPolicy | undefined {
    return this.#policy;
  }

  get queueLength(): number {
    return this.#queue?.length ?? 0;
  }

  /** The policy once it decides without a delay of its own. @throws where it never will. */
  whenReady(): Promise<ServedPolicy> {
    return this.#ready;
  }

  /** The listener is told when decisions are lost with their device. */
  onLost(listener: (lost: DeviceLostError) => void): void {
    this.#listeners.push(listener);
  }

  /** The next decision of an episode. @throws as `decideAllSettled`, and ServerBusyError. */
  decide(episode: Episode, window: Observation): Promise<Decision> {
    if (this.#status !== 'ready' || !this.#queue) {
      return Promise.reject(new ServerBusyError(`the policy is ${this.#status}: connect again, and wait for the server's first message.`));
    }
    return this.#queue.decide(episode, window);
  }

  /** Lets the running decision end and refuses all others. */
  async stop(): Promise<void> {
    if (this.#status !== 'failed') this.#status = 'stopped';
    const reason = new ServerBusyError('the server is stopping: connect to another one, or again when it is back.');
    this.#ready = Promise.reject(reason);
    this.#ready.catch(() => {});
    await this.#queue?.close(reason);
  }

  async #begin(loading: ServedPolicy | Promise<ServedPolicy>): Promise<ServedPolicy> {
    try {
      const policy = await loading;
      await this.#warmUp(policy, 1);
      if (this.#status !== 'loading') throw new ServerBusyError('the server was stopped while it was loading.');
      this.#policy = policy;
      const { maxBatch, maxWaiting } = this.#options;
      this.#queue = new DecisionQueue(policy, {
        maxBatch,
        maxWaiting,
        metrics: this.metrics,
        onLost: (lost) => this.#recover(policy, lost),
      });
      this.#status = 'ready';
      return policy;
    } catch (error) {
      this.#failed(error);
      throw error;
    }
  }

  /** Batches of every size, so that none is made for the first time while robots wait. */
  async #warmUp(policy: ServedPolicy, first: number): Promise<void> {
    for (let batch = first; batch <= this.#options.maxBatch; batch++) await policy.warmup(batch);
  }

  #recover(policy: ServedPolicy, lost: DeviceLostError): void {
    if (this.#status !== 'ready') return;
    this.#status = 'recovering';
    this.metrics.count('deviceLosses');
    this.#options.onEvent({ event: 'device-lost', message: lost.message, error: lost.name });
    for (const listener of this.#listeners) listener(lost);
    this.#ready = this.#reload(policy);
    this.#ready.catch(() => {});
  }

  async #reload(policy: ServedPolicy): Promise<ServedPolicy> {
    let last: unknown;
    for (const pause of this.#options.reloadPausesMs ?? RELOAD_PAUSES_MS) {
      if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
      if (this.#status !== 'recovering') return this.#ready;
      try {
        await policy.reload();
        // What reload() itself has warmed up is a batch of one.
        await this.#warmUp(policy, 2);
        if (this.#status !== 'recovering') return this.#ready;
        this.#status = 'ready';
        this.#options.onEvent({ event: 'reloaded', message: `the policy is on a device again: ${policy.info.adapter.description}` });
        return policy;
      } catch (error) {
        last = error;
        if (!(error instanceof DeviceLostError || error instanceof NoAdapterError)) break;
      }
    }
    this.#failed(last);
    throw last;
  }

  #failed(error: unknown): void {
    if (this.#status === 'stopped') return;
    this.#status = 'failed';
    this.#fail(error);
  }
}
