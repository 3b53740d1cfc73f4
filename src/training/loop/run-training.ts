import type { AbortSignalLike } from '../../foundation/abort-signal.js';
import { NonFiniteError } from '../../foundation/errors.js';
import type { StepMetrics, TrainingStep } from '../training-step.js';
import type { EvaluationEvent, TrainingEvent } from './events.js';
import { HistoryLog, loadHistory, type RunHistory, saveHistory } from './history.js';
import type { OptimizerSettings } from './presets.js';
import { type AddedLater, loadState, type RunIdentity, type RunPosition, saveState } from './run-state.js';
import type { RunStorage } from './run-storage.js';
import { updateScalars } from './update-scalars.js';

/** Which rows a batch is of: rows `first` … `first + count − 1` of the order of an epoch. */
export interface BatchRequest {
  /** Batches of the run before this one: what its random numbers are keyed by. */
  readonly batch: number;
  readonly epoch: number;
  readonly first: number;
  readonly count: number;
}

/** Where batches come from: a pure function of what is requested. */
export interface BatchSource<Batch> {
  /** Rows of an epoch. */
  readonly rows: number;
  batch(request: BatchRequest): Promise<Batch>;
}

/** How long a run is, and how often it stops for something else. */
export interface RunPlan {
  /** Optimiser steps of the whole run. */
  readonly steps: number;
  /** Batches whose gradients make one step. */
  readonly accumulate: number;
  readonly optimizer: OptimizerSettings;
  /**
   * Steps between two that loss and norm are read of; undefined: about five times a second, every step where one takes longer. Reading
   * waits for a step that is over by then, while the next one is under way.
   */
  readonly metricsEvery: number | undefined;
  /** Steps between evaluations, and between checkpoints; both also happen at the end. */
  readonly evaluateEvery: number;
  readonly saveEvery: number;
}

/** What a run works with. */
export interface RunParts<Batch> {
  readonly step: TrainingStep<Batch>;
  readonly batches: BatchSource<Batch>;
  /** Where the run is saved; undefined: nowhere. */
  readonly storage: RunStorage | undefined;
  readonly identity: RunIdentity;
  /** Entries of it that older runs lack: what they are of the run that the storage holds. */
  readonly addedLater?: AddedLater;
  /** Whether to go on with what the storage holds. */
  readonly resume: boolean;
  evaluate(step: number): Promise<Omit<EvaluationEvent, 'kind' | 'step'>>;
  /** Writes the result, as good as it is by now. */
  publish(weights: ReadonlyMap<string, Float32Array>, step: number): Promise<void>;
  readonly onEvent: ((event: TrainingEvent, history: RunHistory) => void | Promise<void>) | undefined;
  readonly signal: AbortSignalLike | undefined;
  /** Milliseconds; rises. */
  readonly now: () => number;
}

const READ_INTERVAL_MS = 200;

/**
 * Trains until all steps are done. `signal` ends it between two steps: the run is saved first, and this throws the signal's reason.
 * @throws NonFiniteError where a loss or a gradient is not finite: no weight was changed by that step, and nothing is saved after it.
 */
export async function runTraining<Batch>(plan: RunPlan, parts: RunParts<Batch>): Promise<RunHistory> {
  return new TrainingRun(plan, parts).run();
}

class TrainingRun<Batch> {
  readonly #plan: RunPlan;
  readonly #parts: RunParts<Batch>;
  #position: RunPosition = { step: 0, batches: 0 };
  /** The batch that comes next; being prepared. Undefined where none does. */
  #next: Promise<Batch> | undefined;
  #log = new HistoryLog();
  /** Metrics that were asked for and not waited for. */
  #pending: { readonly step: number; readonly metrics: Promise<StepMetrics> } | undefined;
  /** The newest step whose loss and norm were seen to be finite, or that was begun from. */
  #finite = 0;
  /** The step that the storage holds the run of. */
  #saved: number | undefined;
  /** Steps from one reading to the next, where nobody says: as many as the device does in READ_INTERVAL_MS. */
  #spacing = 1;
  #asked = 0;
  /** When the newest metrics were there, and of which step; undefined after something else than steps was done. */
  #arrived: { readonly step: number; readonly at: number } | undefined;
  /** Time that went into steps, and how many. */
  #workedMs = 0;
  #worked = 0;

  constructor(plan: RunPlan, parts: RunParts<Batch>) {
    this.#plan = plan;
    this.#parts = parts;
  }

  async run(): Promise<RunHistory> {
    try {
      return await this.#run();
    } finally {
      // Whoever called closes what batches are made with, and may do so once this is over.
      await this.#next?.catch(() => {});
    }
  }

  async #run(): Promise<RunHistory> {
    const { storage, resume, signal } = this.#parts;
    const { steps } = this.#plan;
    if (resume && storage) await this.#goOn(storage);
    if (this.#position.step < steps) this.#next = this.#nextBatch();
    while (this.#position.step < steps) {
      if (signal?.aborted) await this.#stop(signal);
      const began = this.#parts.now();
      await this.#doStep();
      this.#workedMs += this.#parts.now() - began;
      this.#worked++;
      if (this.#isDue(this.#plan.evaluateEvery)) await this.#evaluate(signal);
      if (this.#isDue(this.#plan.saveEvery)) await this.#checkpoint();
    }
    await this.#tell({ kind: 'done', step: this.#position.step });
    return this.#log.history;
  }

  /** Takes up a saved run. It may have ended between its last step and what was due there: that comes first. */
  async #goOn(storage: RunStorage): Promise<void> {
    const { step, identity, addedLater, signal } = this.#parts;
    this.#position = await loadState(storage, step, identity, this.#hasEma, addedLater);
    this.#finite = this.#position.step;
    this.#saved = this.#position.step;
    this.#log = new HistoryLog(await loadHistory(storage, this.#position.step));
    if (this.#position.step === 0) return;
    const isEvaluated = this.#log.history.evaluations.some((evaluation) => evaluation.step === this.#position.step);
    if (!isEvaluated && this.#isDue(this.#plan.evaluateEvery)) await this.#evaluate(signal);
    // Nothing says whether the result was written after the state was.
    if (this.#isDue(this.#plan.saveEvery)) await this.#checkpoint();
  }

  #isDue(every: number): boolean {
    const { step } = this.#position;
    return step === this.#plan.steps || step % every === 0;
  }

  get #hasEma(): boolean {
    return this.#plan.optimizer.ema !== null;
  }

  /** Runs one step and prepares the batch after it, where there is one, while the device works. */
  async #doStep(): Promise<void> {
    const { accumulate, optimizer, steps } = this.#plan;
    for (let i = 0; i < accumulate; i++) {
      const batch = await (this.#next as Promise<Batch>);
      const isLast = i === accumulate - 1;
      const { step, batches } = this.#position;
      this.#parts.step.run(batch, isLast ? updateScalars(optimizer, steps, step) : null, { accumulate: i > 0, share: 1 / accumulate });
      this.#position = { step: isLast ? step + 1 : step, batches: batches + 1 };
      this.#next = this.#position.step < steps ? this.#nextBatch() : undefined;
    }
    if (!this.#isReadingDue()) return;
    await this.#settle();
    this.#asked = this.#position.step;
    const metrics = this.#parts.step.metrics();
    // Whoever waits for it hears of it.
    metrics.catch(() => {});
    this.#pending = { step: this.#position.step, metrics };
  }

  #isReadingDue(): boolean {
    const { metricsEvery } = this.#plan;
    const { step } = this.#position;
    return metricsEvery === undefined ? step - this.#asked >= this.#spacing : step % metricsEvery === 0;
  }

  /**
   * Steps are handed to the device faster than it does them: how many may wait there follows from the time between two that were done. A
   * clock on the host alone would let them pile up.
   */
  #space(step: number): void {
    const at = this.#parts.now();
    if (this.#arrived && step > this.#arrived.step) {
      const stepMs = (at - this.#arrived.at) / (step - this.#arrived.step);
      this.#spacing = Math.max(1, Math.min(2 * this.#spacing, Math.floor(READ_INTERVAL_MS / Math.max(stepMs, 1e-3))));
    }
    this.#arrived = { step, at };
  }

  #nextBatch(): Promise<Batch> {
    const { batches, step } = this.#parts;
    const perEpoch = Math.ceil(batches.rows / step.batchSize);
    const batch = this.#position.batches;
    const first = (batch % perEpoch) * step.batchSize;
    const count = Math.min(step.batchSize, batches.rows - first);
    const made = batches.batch({ batch, epoch: Math.floor(batch / perEpoch), first, count });
    made.catch(() => {});
    return made;
  }

  /** Waits for metrics that were asked for, and tells them. */
  async #settle(): Promise<void> {
    if (!this.#pending) return;
    const { step, metrics } = this.#pending;
    const read = await metrics;
    const { loss, gradientNorm } = read;
    this.#pending = undefined;
    this.#space(step);
    this.#checkFinite(step, read);
    this.#finite = step;
    const { steps, optimizer, accumulate } = this.#plan;
    const perEpoch = Math.ceil(this.#parts.batches.rows / this.#parts.step.batchSize);
    const stepsPerSecond = this.#worked === 0 ? 0 : (1000 * this.#worked) / Math.max(this.#workedMs, 1e-3);
    await this.#tell({
      kind: 'step',
      step,
      steps,
      epoch: (step * accumulate) / perEpoch,
      // Of the newest of its batches.
      loss: loss * accumulate,
      gradientNorm,
      learningRate: updateScalars(optimizer, steps, step - 1).learningRate,
      stepsPerSecond,
      secondsLeft: stepsPerSecond === 0 ? Number.POSITIVE_INFINITY : (steps - step) / stepsPerSecond,
    });
  }

  /** Metrics are not read of every step; the device remembers the first one that it refused in between. */
  #checkFinite(read: number, { loss, gradientNorm, refusedStep }: StepMetrics): void {
    if (refusedStep === null && Number.isFinite(loss) && Number.isFinite(gradientNorm)) return;
    const step = refusedStep ?? read;
    const found = step === read ? `found loss ${loss}, norm ${gradientNorm}` : `found a norm that is not`;
    throw new NonFiniteError(
      `training step ${step}: expected a finite loss and gradient, ${found}, at ${this.#rateOf(step)}. The step changed no weight. ` +
        this.#remedy(),
    );
  }

  #rateOf(step: number): string {
    const { steps, optimizer } = this.#plan;
    return `learning rate ${Number(updateScalars(optimizer, steps, step - 1).learningRate.toPrecision(4))}`;
  }

  /** What is left of a run that diverged, and what to do. */
  #remedy(): string {
    const { learningRate, clipNorm } = this.#plan.optimizer;
    const clipped = clipNorm === null ? 'with gradients clipped' : `with gradients clipped below ${clipNorm}`;
    return (
      `${this.#kept()}Train anew at a learning rate below ${learningRate} (learningRate, --learning-rate), with a longer warm-up (warmupSteps, --warmup) or ` +
      `${clipped} (clipNorm, --clip), or look at the data.`
    );
  }

  /** Which checkpoint is there, for who lost what came behind it. */
  #kept(): string {
    const { storage } = this.#parts;
    if (!storage) return '';
    if (this.#saved === undefined) return `${storage.name} holds no checkpoint of the run yet. `;
    return `The checkpoint of step ${this.#saved} in ${storage.name} is whole and still there. `;
  }

  async #evaluate(signal: AbortSignalLike | undefined): Promise<void> {
    await this.#settle();
    // Before: an evaluation may run batches of its own through the network, and metrics are then theirs.
    await this.#assertFinite();
    this.#arrived = undefined;
    const { step } = this.#position;
    try {
      await this.#tell({ kind: 'evaluation', step, ...(await this.#parts.evaluate(step)) });
    } catch (error) {
      if (signal?.aborted) await this.#stop(signal);
      if (!(error instanceof NonFiniteError)) {
        // What was learned since the last checkpoint is not lost with an evaluation; what that fails with is nearer to the cause.
        await this.#checkpoint().catch(() => {});
        throw error;
      }
      // Weights that are finite, and too large for what they are multiplied with.
      throw new NonFiniteError(`evaluation behind training step ${step}, at ${this.#rateOf(step)}: ${error.message} ${this.#remedy()}`, {
        cause: error,
      });
    }
  }

  /** Saves what there is, and throws the reason. */
  async #stop(signal: AbortSignalLike): Promise<void> {
    await this.#settle();
    await this.#assertFinite();
    await this.#save();
    signal.throwIfAborted();
  }

  async #checkpoint(): Promise<void> {
    await this.#settle();
    this.#arrived = undefined;
    await this.#assertFinite();
    await this.#save();
    await this.#parts.publish(await this.#parts.step.read(this.#hasEma ? 'ema' : 'weights'), this.#position.step);
    await this.#tell({ kind: 'checkpoint', step: this.#position.step });
  }

  /** Not every step's metrics are read: those of the newest one are, before anything is evaluated or written. */
  async #assertFinite(): Promise<void> {
    if (this.#finite === this.#position.step) return;
    this.#checkFinite(this.#position.step, await this.#parts.step.metrics());
    this.#finite = this.#position.step;
  }

  async #save(): Promise<void> {
    const { storage, step, identity } = this.#parts;
    if (!storage) return;
    await saveHistory(storage, this.#log.history);
    await saveState(storage, step, { identity, position: this.#position, hasEma: this.#hasEma });
    this.#saved = this.#position.step;
  }

  async #tell(event: TrainingEvent): Promise<void> {
    this.#log.add(event);
    await this.#parts.onEvent?.(event, this.#log.history);
  }
}
