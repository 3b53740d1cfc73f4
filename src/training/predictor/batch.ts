import { alignUp } from '../../runtime/buffers.js';
import type { PredictorShape } from '../../spec/network-shapes.js';
import { checkCount, checkFinite, checkPart } from '../plan/batch-checks.js';
import { BatchLayout } from '../plan/batch-layout.js';
import type { PackedBatch } from '../plan/planned-training.js';
import type { PredictorBatch } from '../training-step.js';

/** Parts of what a step uploads. */
type Part = 'history' | 'observations' | 'target' | 'counts';

/**
 * Packs batches for the device: one write holds them as [history | observations | target | which rows count]. Rows are padded with zeros to
 * multiples of four, rows past a short batch are zeros and do not count.
 */
export class PredictorBatchPacker {
  readonly #shape: PredictorShape;
  readonly #batchSize: number;
  readonly #layout: BatchLayout<Part>;

  constructor(shape: PredictorShape, batchSize: number) {
    this.#shape = shape;
    this.#batchSize = batchSize;
    const { horizon, actionDim, observationDim, historySteps, observationSteps } = shape;
    this.#layout = new BatchLayout<Part>({
      history: batchSize * historySteps * alignUp(actionDim, 4),
      observations: batchSize * observationSteps * alignUp(observationDim, 4),
      target: batchSize * horizon * actionDim,
      counts: batchSize * horizon,
    });
  }

  get words(): number {
    return this.#layout.words.length;
  }

  /** Where a part lies, in bytes. */
  range(part: Part): { readonly offset: number; readonly bytes: number } {
    return this.#layout.range(part);
  }

  /**
   * The words of a batch, good until the next one is packed, and 1 / N, N the elements that count. The network reads the last `historySteps`
   * rows of the previous chunk.
   * @throws OptionError for sizes that do not fit, and for values that are not finite.
   */
  pack(batch: PredictorBatch): PackedBatch {
    this.#check(batch);
    const { count, previous, observation, target } = batch;
    const { horizon, actionDim, observationDim, historySteps, observationSteps } = this.#shape;
    const { words } = this.#layout;
    words.fill(0);
    const [history, observations] = [this.#layout.part('history'), this.#layout.part('observations')];
    const rows = (from: Float32Array, width: number, row: number, into: Float32Array, to: number): void =>
      into.set(from.subarray(row * width, (row + 1) * width), to * alignUp(width, 4));
    for (let b = 0; b < count; b++) {
      for (let t = 0; t < historySteps; t++) {
        rows(previous, actionDim, (b + 1) * horizon - historySteps + t, history, b * historySteps + t);
      }
      for (let t = 0; t < observationSteps; t++) {
        rows(observation, observationDim, b * observationSteps + t, observations, b * observationSteps + t);
      }
    }
    const elements = count * horizon * actionDim;
    this.#layout.part('target').set(target.subarray(0, elements));
    this.#layout.part('counts').fill(1, 0, count * horizon);
    return { words, inverseCount: 1 / elements };
  }

  #check({ count, previous, observation, target }: PredictorBatch): void {
    const { horizon, actionDim, observationDim, observationSteps } = this.#shape;
    const batchSize = this.#batchSize;
    checkCount(count, batchSize);
    for (const [name, values, size] of [
      ['previous', previous, horizon * actionDim],
      ['observation', observation, observationSteps * observationDim],
      ['target', target, horizon * actionDim],
    ] as const) {
      checkPart(name, values, Float32Array, size, { whole: batchSize, counted: count });
      checkFinite(name, values, size, count);
    }
  }
}
