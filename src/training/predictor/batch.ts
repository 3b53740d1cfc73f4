import { alignUp } from '../../runtime/buffers.js';
import type { PredictorShape, RawRows } from '../../spec/network-shapes.js';
import { checkCount, checkFinite, checkPart } from '../plan/batch-checks.js';
import { BatchLayout } from '../plan/batch-layout.js';
import type { PackedBatch } from '../plan/planned-training.js';
import { packVectors, vectorsWidth } from '../small-encoder/picture-rows.js';
import type { PredictorBatch } from '../training-step.js';

/** Parts of what a step uploads. */
type Part = 'history' | 'observations' | 'target' | 'counts';

/**
 * Packs batches for the device: one write holds them as [history | observations | target | which rows count]. Rows are padded with zeros to
 * multiples of four, rows past a short batch are zeros and do not count. Of a network with an image encoder of its own, observations are the
 * rows of its frames, with zeros where the features of pictures will be.
 */
export class PredictorBatchPacker {
  readonly #shape: PredictorShape;
  readonly #raw: RawRows | undefined;
  readonly #batchSize: number;
  readonly #layout: BatchLayout<Part>;

  /** `raw`: of a network with an image encoder of its own. */
  constructor(shape: PredictorShape, batchSize: number, raw?: RawRows) {
    this.#shape = shape;
    this.#raw = raw;
    this.#batchSize = batchSize;
    const { horizon, actionDim, observationDim, historySteps, observationSteps } = shape;
    this.#layout = new BatchLayout<Part>({
      history: batchSize * historySteps * alignUp(actionDim, 4),
      observations: batchSize * observationSteps * alignUp(raw?.width ?? observationDim, 4),
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
    }
    const frames = count * observationSteps;
    const raw = this.#raw;
    if (raw) packVectors(raw, observation, observations, frames, (frame) => frame * alignUp(raw.width, 4));
    else for (let frame = 0; frame < frames; frame++) rows(observation, observationDim, frame, observations, frame);
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
      ['observation', observation, observationSteps * (this.#raw ? vectorsWidth(this.#raw) : observationDim)],
      ['target', target, horizon * actionDim],
    ] as const) {
      checkPart(name, values, Float32Array, size, { whole: batchSize, counted: count });
      checkFinite(name, values, size, count);
    }
  }
}
