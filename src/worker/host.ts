import type { AbortSignalLike } from '../foundation/abort-signal.js';
import { DeviceLostError, DisposedError, OptionError } from '../foundation/errors.js';
import { checkCallbacks, checkKeys, checkObject, checkSignal, keysOf } from '../foundation/options.js';
import { shownValue } from '../foundation/shown.js';
import { checkFrame } from '../observations/check.js';
import { type Observation, observationOf } from '../observations/frame.js';
import { checkPrepare } from '../policy/check-prepare.js';
import type { DecideOptions, Decision } from '../policy/decision-result.js';
import type { PolicyInfo } from '../policy/info.js';
import type { OnLoadProgress } from '../policy/load-progress.js';
import { PREPARE_DEFAULTS, type PrepareOptions } from '../spec/prepare-options.js';
import type { StrategyOptions } from '../strategies/strategy-options.js';
import type { CallName, FromWorker, PostableLoadOptions, PostableSource, WorkerCalls } from './messages.js';
import { PictureSender } from './pictures.js';
import { listen, type MessagePortLike, post } from './port.js';
import { fromPosted } from './posted-error.js';

export interface PolicyWorkerOptions extends PostableLoadOptions {
  /** Stops loading. */
  readonly signal?: AbortSignalLike;
  readonly onProgress?: OnLoadProgress;
}

const KEYS = keysOf<PolicyWorkerOptions>({
  networks: true,
  strategy: true,
  precision: true,
  seed: true,
  probes: true,
  signal: true,
  onProgress: true,
});

/**
 * Loads a policy in a worker that runs `runPolicyWorker`, so that neither its compilation nor its decisions hold up a page or a loop.
 * Everything is checked there, with the errors of `loadPolicy`.
 * @throws as loadPolicy; DeviceLostError when the worker ends; the reason of `signal`.
 */
export async function openPolicyWorker(
  worker: MessagePortLike,
  source: PostableSource,
  options: PolicyWorkerOptions = {},
): Promise<PolicyWorker> {
  checkKeys('openPolicyWorker', options, KEYS);
  checkSignal('openPolicyWorker', options.signal);
  checkCallbacks<PolicyWorkerOptions>('openPolicyWorker', options, ['onProgress']);
  if (typeof source !== 'string') checkFiles(source);
  const { signal, onProgress, ...postable } = options;
  signal?.throwIfAborted();
  return PolicyWorker.open(worker, source, postable, signal, onProgress);
}

function checkFiles(source: unknown): void {
  const { name, files } = checkObject('openPolicyWorker', 'source', source) as { name?: unknown; files?: unknown };
  if (typeof name === 'string' && typeof files === 'object' && files !== null) return;
  throw new OptionError(
    `openPolicyWorker: source must be an address, or { name, files } with files that were chosen or bytes by name, found ${shownValue(source)}. ` +
      'Sources of your own cannot go to a worker: load there.',
  );
}

interface Waiting {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/**
 * A policy in a worker. Calls are as `Policy`'s, carried out in order; a `ControlLoop` takes it as it takes a policy. Arrays of results were
 * moved, not copied.
 */
export class PolicyWorker {
  readonly #worker: MessagePortLike & { terminate?(): unknown };
  readonly #waiting = new Map<number, Waiting>();
  readonly #onProgress: OnLoadProgress | undefined;
  readonly #pictures = new PictureSender((picture) => {
    if (!this.#failure) post(this.#worker, { forget: picture });
  });
  #info: PolicyInfo | undefined;
  #next = 0;
  #failure: Error | undefined;
  #disposal: Promise<void> | undefined;

  private constructor(worker: MessagePortLike, onProgress: OnLoadProgress | undefined) {
    this.#worker = worker;
    this.#onProgress = onProgress;
    listen('openPolicyWorker', worker, {
      onMessage: (message) => this.#take(message as FromWorker),
      onFailure: (why) => this.#fail(new DeviceLostError(`the worker of the policy failed: ${why}. Start another one.`)),
    });
  }

  /** @internal */
  static async open(
    worker: MessagePortLike,
    source: PostableSource,
    options: PostableLoadOptions,
    signal: AbortSignalLike | undefined,
    onProgress: OnLoadProgress | undefined,
  ): Promise<PolicyWorker> {
    const policy = new PolicyWorker(worker, onProgress);
    const onAbort = (): void => post(worker, { abort: true });
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      policy.#info = await policy.#call('load', source, options);
      return policy;
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  /** As `Policy.info`, when it was loaded or its strategy was changed. */
  get info(): PolicyInfo {
    return this.#info as PolicyInfo;
  }

  /** As `Policy.act`: f32 [actionDim]. @throws as there. */
  act(observation: Observation): Promise<Float32Array> {
    return this.#call('act', this.#pictures.observation(observation));
  }

  /** As `Policy.decide`. @throws as there. */
  decide(window: Observation, options: DecideOptions = {}): Promise<Decision> {
    return this.#call('decide', this.#pictures.observation(window), options);
  }

  /** As `Policy.observe`: the result is the observation to hand on, whose images went to the worker and are encoded there. @throws as there. */
  async observe(observation: Observation): Promise<Observation> {
    const { observations } = this.info;
    const copy = observationOf(observations, checkFrame(observations, observation, 'observe'));
    await this.#call('observe', this.#pictures.observation(copy));
    return copy;
  }

  /** As `Policy.prepare`, in the worker. @throws OptionError. */
  prepare(options: PrepareOptions = PREPARE_DEFAULTS): Promise<void> {
    checkPrepare(options);
    // Its only failures are those of the calls after it.
    return this.#call('prepare', options).catch(() => {});
  }

  /** As `Policy.warmup`. @throws as there. */
  warmup(batch = 1): Promise<void> {
    return this.#call('warmup', batch);
  }

  /** As `Policy.useStrategy`, and compiles what it needs. @throws as there, and as `Policy.warmup`. */
  async useStrategy(options: StrategyOptions): Promise<void> {
    this.#info = await this.#call('useStrategy', options);
  }

  /** As `Policy.reset`: calls made before keep the old episode. */
  reset(): void {
    // Its only failures are those of the calls after it.
    this.#call('reset').catch(() => {});
  }

  /** Frees everything on the device, and ends the worker where it can be ended from here. Later calls fail. */
  dispose(): Promise<void> {
    this.#disposal ??= this.#end();
    return this.#disposal;
  }

  async #end(): Promise<void> {
    if (this.#failure) return;
    await this.#call('dispose');
    this.#fail(new DisposedError('the policy of this worker was disposed of; open another one.'));
    await this.#worker.terminate?.();
  }

  #call<K extends CallName>(call: K, ...args: Partial<Parameters<WorkerCalls[K]>>): Promise<ReturnType<WorkerCalls[K]>> {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      if (this.#failure) return reject(this.#failure);
      // What cannot be posted (a function among the options) is an error at once.
      try {
        post(this.#worker, { id, call, args });
        this.#pictures.settle(true);
      } catch (error) {
        this.#pictures.settle(false);
        return reject(new OptionError(`${call}: its arguments cannot go to a worker: ${(error as Error).message}.`, { cause: error }));
      }
      this.#waiting.set(id, { resolve: resolve as (result: unknown) => void, reject });
    });
  }

  #take(message: FromWorker): void {
    if ('progress' in message) {
      this.#onProgress?.(message.fraction, message.progress);
      return;
    }
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if ('error' in message) waiting?.reject(fromPosted(message.error));
    else waiting?.resolve(message.result);
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.values()) reject(this.#failure);
    this.#waiting.clear();
  }
}
