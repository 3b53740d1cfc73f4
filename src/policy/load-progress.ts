import type { KernelProgress, PipelineCache } from '../runtime/pipeline-cache.js';

/**
 * Where loading is.
 * - `download`: bytes fetched, of the bytes of all files. Only where a policy is loaded by its address.
 * - `weights`: residual blocks of the network that are on the device.
 * - `kernels`: what was compiled, of what was asked for so far. On a driver that has nothing in its cache this can take a minute.
 * - `first runs`: kernels that ran for the first time: some drivers compile only then.
 */
export type LoadProgress = { readonly stage: 'download'; readonly done: number; readonly total: number } | PlacingProgress;

/** What comes after fetching, which is told by whoever fetches. */
export type PlacingProgress =
  | { readonly stage: 'weights'; readonly done: number; readonly total: number }
  | ({ readonly stage: 'kernels' | 'first runs' } & KernelProgress);

/** `fraction`: of all of it, 0 … 1, and never less than before. Stages are weighed by no clock: how long each takes depends on the driver. */
export type OnLoadProgress = (fraction: number, progress: LoadProgress) => void;

type Stage = PlacingProgress['stage'];

const WEIGHT: Readonly<Record<Stage, number>> = { weights: 0.5, kernels: 0.25, 'first runs': 0.25 };

/** Tells the stages of a load as one fraction. @internal */
export class LoadReporter {
  readonly #listener: OnLoadProgress | undefined;
  // A device that compiled everything before has no kernels to report.
  readonly #parts: Record<Stage, number> = { weights: 0, kernels: 1, 'first runs': 0 };
  #fraction = 0;
  #failure: { readonly error: unknown } | undefined;

  constructor(listener: OnLoadProgress | undefined) {
    this.#listener = listener;
  }

  /** @throws what the listener throws, now or before. */
  report(progress: PlacingProgress): void {
    this.throwIfFailed();
    this.#parts[progress.stage] = progress.done / progress.total;
    const fraction = Object.entries(this.#parts).reduce((sum, [stage, part]) => sum + WEIGHT[stage as Stage] * part, 0);
    this.#fraction = Math.max(this.#fraction, fraction);
    this.#listener?.(this.#fraction, progress);
  }

  /** The same where nobody would catch what the listener throws: `throwIfFailed` does it later. */
  note(progress: PlacingProgress): void {
    try {
      this.report(progress);
    } catch (error) {
      this.#failure ??= { error };
    }
  }

  /** Notes what a device compiles while a task runs. */
  async during<T>(pipelines: PipelineCache, task: () => Promise<T>): Promise<T> {
    const unwatch = pipelines.watch((progress) => this.note({ stage: 'kernels', ...progress }));
    try {
      return await task();
    } finally {
      unwatch();
    }
  }

  throwIfFailed(): void {
    if (this.#failure) throw this.#failure.error;
  }
}
