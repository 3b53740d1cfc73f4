import type { Plan } from '../../runtime/plan.js';
import type { ParameterInfo, ParameterSet, RunOptions, TrainingStep, UpdateScalars } from '../training-step.js';
import type { ParameterStore } from './parameter-store.js';
import type { RecordedStep, RecordedStepMetrics } from './recorded-step.js';

/** A batch as a step uploads it. */
export interface PackedBatch {
  /** Good until the next batch is packed. */
  readonly words: Float32Array<ArrayBuffer>;
  /** 1 / N, N the elements that count in the loss. */
  readonly inverseCount: number;
}

/** What is the same in every network compiled for training: how its step runs, and how its parameters are read and written. */
export abstract class PlannedTraining<Batch> implements TrainingStep<Batch> {
  readonly batchSize: number;
  /** In the order of the reference's state dict. */
  readonly parameters: readonly ParameterInfo[];
  protected readonly step: RecordedStep;
  protected readonly store: ParameterStore;

  protected constructor(step: RecordedStep, store: ParameterStore, batchSize: number, parameters = store.parameters) {
    this.step = step;
    this.store = store;
    this.batchSize = batchSize;
    this.parameters = parameters;
  }

  /** Checks a batch, and packs it; what lies beside the words is written to the device. `evaluates`: as `RunOptions` have it. */
  protected abstract prepare(batch: Batch, evaluates: boolean): PackedBatch;

  get memory(): Readonly<Record<string, number>> {
    return this.step.memory;
  }

  /** @internal */
  get plan(): Plan {
    return this.step.plan;
  }

  run(batch: Batch, update: UpdateScalars | null, { accumulate = false, share = 1, evaluates = false }: RunOptions = {}): void {
    const { words, inverseCount } = this.prepare(batch, evaluates);
    this.step.run(words, { update, accumulate, inverseCount: inverseCount * share });
  }

  /** As `run`, and hands out the probes that it was compiled with. @internal */
  runProbed(batch: Batch, update: UpdateScalars | null): Promise<Map<string, Float32Array>> {
    const { words, inverseCount } = this.prepare(batch, false);
    return this.step.runProbed(words, { update, accumulate: false, inverseCount });
  }

  metrics(): Promise<RecordedStepMetrics> {
    return this.step.metrics();
  }

  async read(set: ParameterSet): Promise<ReadonlyMap<string, Float32Array>> {
    return this.store.read(set);
  }

  write(set: ParameterSet, tensors: ReadonlyMap<string, Float32Array>): void {
    this.store.write(set, tensors);
  }

  dispose(): void {
    this.step.dispose();
  }
}
