import { blobSource, type CheckpointSource, memorySource, type NamedBlob } from '../checkpoints/source.js';
import type { AbortSignalLike } from '../foundation/abort-signal.js';
import { OptionError } from '../foundation/errors.js';
import { checkObject } from '../foundation/options.js';
import { shownValue } from '../foundation/shown.js';
import { listOf } from '../policy/load-policy.js';
import type { OnLoadProgress } from '../policy/load-progress.js';
import type { Policy } from '../policy/policy.js';
import type { CallName, FromWorker, PostableLoadOptions, PostableSource, ToWorker, WorkerCalls } from './messages.js';
import { PictureReceiver } from './pictures.js';
import { listen, type MessagePortLike, post } from './port.js';
import { toPosted } from './posted-error.js';

/** `loadPolicy` of the platform, as far as a worker uses it. */
export type LoadInWorker = (
  source: string | CheckpointSource,
  options: Omit<PostableLoadOptions, 'networks'> & {
    readonly networks?: { readonly predictor?: string | CheckpointSource; readonly methods?: readonly (string | CheckpointSource)[] };
    readonly signal: AbortSignalLike;
    readonly onProgress: OnLoadProgress;
  },
) => Promise<Policy>;

/**
 * The worker's half: answers the calls of `openPolicyWorker`, one policy at a time. `scope` is the worker's `self`, or `parentPort` of
 * Node's worker_threads; `loadPolicy` that of `warmstep`.
 *
 *     import { loadPolicy } from 'warmstep';
 *     import { runPolicyWorker } from 'warmstep/worker';
 *     runPolicyWorker(self, loadPolicy);
 *
 * @throws OptionError for what is no scope or no function.
 */
export function runPolicyWorker(scope: MessagePortLike, loadPolicy: LoadInWorker): void {
  if (typeof loadPolicy !== 'function') {
    throw new OptionError(`runPolicyWorker: loadPolicy must be that of "warmstep", found ${shownValue(loadPolicy)}.`);
  }
  const guest = new Guest(scope, loadPolicy);
  listen('runPolicyWorker', scope, {
    onMessage: (message) => void guest.take(message as ToWorker),
    // Whoever sent it waits for an answer that has no number to go by: the next call tells of it.
    onFailure: () => {},
  });
}

class Guest {
  readonly #scope: MessagePortLike;
  readonly #load: LoadInWorker;
  readonly #pictures = new PictureReceiver();
  #policy: Policy | undefined;
  #abortion: AbortController | undefined;

  constructor(scope: MessagePortLike, load: LoadInWorker) {
    this.#scope = scope;
    this.#load = load;
  }

  async take(message: ToWorker): Promise<void> {
    if ('abort' in message) return this.#abortion?.abort();
    if ('forget' in message) return this.#pictures.forget(message.forget);
    const { id, call, args } = message;
    try {
      const result = await this.#calls[call](...(args as never[] as [never, never]));
      this.#post({ id, result }, arraysOf(result));
    } catch (error) {
      this.#post({ id, error: toPosted(error) });
    }
  }

  readonly #calls: { readonly [K in CallName]: (...args: Parameters<WorkerCalls[K]>) => Promise<ReturnType<WorkerCalls[K]>> } = {
    load: async (source, { networks, ...options }) => {
      if (this.#policy || this.#abortion) throw new OptionError('this worker has a policy: start another worker for another one.');
      const abortion = new AbortController();
      this.#abortion = abortion;
      try {
        this.#policy = await this.#load(sourceOf(source), {
          ...options,
          ...(networks === undefined ? {} : { networks: networksOf(networks) }),
          signal: abortion.signal,
          onProgress: (fraction, progress) => this.#post({ fraction, progress }),
        });
      } finally {
        this.#abortion = undefined;
      }
      return this.#policy.info;
    },
    act: async (observation) => this.#loaded().act(this.#pictures.observation(observation)),
    decide: async (window, options) => this.#loaded().decide(this.#pictures.observation(window), options),
    observe: async (observation) => void (await this.#loaded().observe(this.#pictures.observation(observation))),
    prepare: async (options) => this.#loaded().prepare(options),
    warmup: async (batch) => this.#loaded().warmup(batch),
    useStrategy: async (options) => {
      this.#loaded().useStrategy(options);
      // Its turn comes after the calls before it, and so does what it is called then.
      await this.#loaded().warmup();
      return this.#loaded().info;
    },
    reset: async () => this.#loaded().reset(),
    dispose: async () => {
      this.#abortion?.abort();
      await this.#policy?.dispose();
    },
  };

  #loaded(): Policy {
    if (!this.#policy) throw new OptionError('this worker has no policy yet: wait for openPolicyWorker.');
    return this.#policy;
  }

  #post(message: FromWorker, arrays: readonly ArrayBufferView[] = []): void {
    post(this.#scope, message, arrays);
  }
}

function networksOf({
  predictor,
  methods,
}: NonNullable<PostableLoadOptions['networks']>): NonNullable<Parameters<LoadInWorker>[1]['networks']> {
  return {
    ...(predictor === undefined ? {} : { predictor: sourceOf(predictor) }),
    ...(methods === undefined ? {} : { methods: listOf(methods).map(sourceOf) }),
  };
}

function sourceOf(source: PostableSource): string | CheckpointSource {
  if (typeof source === 'string') return source;
  const { name, files } = checkObject('openPolicyWorker', 'source', source) as Exclude<PostableSource, string>;
  return Array.isArray(files) ? blobSource(name, files as readonly NamedBlob[]) : memorySource(name, files as Record<string, Uint8Array>);
}

/** Arrays of a result: a decision's and an action are copies that nobody here keeps. */
function arraysOf(result: unknown): ArrayBufferView[] {
  if (ArrayBuffer.isView(result)) return [result];
  if (typeof result !== 'object' || result === null) return [];
  return Object.values(result).filter((value) => ArrayBuffer.isView(value));
}
