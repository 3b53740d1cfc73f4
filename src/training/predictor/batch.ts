import { OptionError } from '../../foundation/errors.js';
import { shownValue } from '../../foundation/shown.js';
import { alignUp } from '../../runtime/buffers.js';
import type { PredictorShape } from '../../spec/network-shapes.js';
import type { PredictorBatch } from '../training-step.js';

/** Parts of what a step uploads. */
const PARTS = ['history', 'observations', 'target', 'counts'] as const;
type Part = (typeof PARTS)[number];

/** Elements of 256 bytes, where bindings may begin. */
const PART_ALIGNMENT = 64;

/**
 * Packs batches for the device: one write holds them as [history | observations | target | which rows count]. Rows are padded with zeros to
 * multiples of four, rows past a short batch are zeros and do not count.
 */
export class PredictorBatchPacker {
  readonly #shape: PredictorShape;
  readonly #batchSize: number;
  readonly #places = new Map<Part, { readonly offset: number; readonly length: number }>();
  readonly #words: Float32Array<ArrayBuffer>;

  constructor(shape: PredictorShape, batchSize: number) {
    this.#shape = shape;
    this.#batchSize = batchSize;
    const { horizon, actionDim, observationDim, historySteps, observationSteps } = shape;
    const lengths: Record<Part, number> = {
      history: batchSize * historySteps * alignUp(actionDim, 4),
      observations: batchSize * observationSteps * alignUp(observationDim, 4),
      target: batchSize * horizon * actionDim,
      counts: batchSize * horizon,
    };
    let offset = 0;
    for (const part of PARTS) {
      this.#places.set(part, { offset, length: lengths[part] });
      offset += alignUp(lengths[part], PART_ALIGNMENT);
    }
    this.#words = new Float32Array(offset);
  }

  get words(): number {
    return this.#words.length;
  }

  /** Where a part lies, in bytes. */
  range(part: Part): { readonly offset: number; readonly bytes: number } {
    const { offset, length } = this.#place(part);
    return { offset: offset * 4, bytes: length * 4 };
  }

  /**
   * The words of a batch, good until the next one is packed, and 1 / N, N the elements that count. The network reads the last `historySteps`
   * rows of the previous chunk.
   * @throws OptionError for sizes that do not fit, and for values that are not finite.
   */
  pack(batch: PredictorBatch): { readonly words: Float32Array<ArrayBuffer>; readonly inverseCount: number } {
    this.#check(batch);
    const { count, previous, observation, target } = batch;
    const { horizon, actionDim, observationDim, historySteps, observationSteps } = this.#shape;
    this.#words.fill(0);
    const [history, observations, targets, counts] = PARTS.map((part) => {
      const { offset, length } = this.#place(part);
      return this.#words.subarray(offset, offset + length);
    }) as [Float32Array, Float32Array, Float32Array, Float32Array];
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
    targets.set(target.subarray(0, elements));
    counts.fill(1, 0, count * horizon);
    return { words: this.#words, inverseCount: 1 / elements };
  }

  #place(part: Part): { readonly offset: number; readonly length: number } {
    const place = this.#places.get(part);
    if (!place) throw new TypeError(`a batch of the predictor has no part "${part}"`);
    return place;
  }

  #check({ count, previous, observation, target }: PredictorBatch): void {
    const { horizon, actionDim, observationDim, observationSteps } = this.#shape;
    const batchSize = this.#batchSize;
    if (!Number.isInteger(count) || count < 1 || count > batchSize) {
      throw new OptionError(`batch.count: expected an integer from 1 to ${batchSize}, the batch size, found ${shownValue(count)}.`);
    }
    for (const [name, values, size] of [
      ['previous', previous, horizon * actionDim],
      ['observation', observation, observationSteps * observationDim],
      ['target', target, horizon * actionDim],
    ] as const) {
      const length = values instanceof Float32Array ? values.length : undefined;
      if (length === undefined || (length !== batchSize * size && length !== count * size)) {
        throw new OptionError(
          `batch.${name}: expected ${batchSize} × ${size} values in a Float32Array (or ${count} × ${size}, those that count), found ` +
            `${length === undefined ? shownValue(values) : `${length} values`}.`,
        );
      }
      const wrong = values.subarray(0, count * size).findIndex((value) => !Number.isFinite(value));
      if (wrong >= 0) {
        throw new OptionError(`batch.${name}: expected finite values, found ${values[wrong]} for sample ${Math.floor(wrong / size)}.`);
      }
    }
  }
}
