import { OptionError } from '../../foundation/errors.js';
import { shownValue } from '../../foundation/shown.js';
import { sinusoidalEmbedding } from '../../networks/unet/timestep-table.js';
import { alignUp } from '../../runtime/buffers.js';
import type { UnetShape } from '../../spec/network-shapes.js';
import type { UNetBatch } from '../training-step.js';

/** What the network is trained to say. */
export type TrainedPrediction = 'epsilon' | 'sample';

/** Parts of what a step uploads. */
const PARTS = ['conditioning', 'sinusoids', 'actions', 'noise', 'coefficients', 'counts'] as const;
type Part = (typeof PARTS)[number];

/** Elements of 256 bytes, where bindings may begin. */
const PART_ALIGNMENT = 64;

/**
 * Packs batches for the device: one write holds them as [conditioning | sinusoids of the timesteps | actions | noise | (√ᾱ, √(1 − ᾱ)) |
 * which rows count]. Rows past a short batch are zeros and do not count.
 */
export class UNetBatchPacker {
  readonly #shape: UnetShape;
  readonly #batchSize: number;
  readonly #sinusoids: Float32Array;
  readonly #alphas: ArrayLike<number>;
  readonly #places = new Map<Part, { readonly offset: number; readonly length: number }>();
  readonly #words: Float32Array<ArrayBuffer>;

  /** `alphas`: ᾱ by timestep, as PyTorch rounds it. */
  constructor(shape: UnetShape, batchSize: number, alphas: ArrayLike<number>) {
    this.#shape = shape;
    this.#batchSize = batchSize;
    this.#alphas = alphas;
    this.#sinusoids = sinusoidalEmbedding(alphas.length, shape.stepEmbedDim);
    const { horizon, actionDim } = shape;
    const lengths: Record<Part, number> = {
      conditioning: batchSize * alignUp(shape.conditioningDim, 4),
      sinusoids: batchSize * alignUp(shape.stepEmbedDim, 4),
      actions: batchSize * horizon * actionDim,
      noise: batchSize * horizon * actionDim,
      coefficients: batchSize * 2,
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
    const { offset, length } = this.#places.get(part)!;
    return { offset: offset * 4, bytes: length * 4 };
  }

  /**
   * The words of a batch, good until the next one is packed, and 1 / N, N the elements that count: all of them, or with `validity` as many as
   * it says, 1 at least.
   * @throws OptionError for sizes, timesteps or flags that do not fit.
   */
  pack(batch: UNetBatch): { readonly words: Float32Array<ArrayBuffer>; readonly inverseCount: number } {
    this.#check(batch);
    const { count, conditioning, actions, noise, timesteps, validity } = batch;
    const { horizon, actionDim, conditioningDim, stepEmbedDim } = this.#shape;
    this.#words.fill(0);
    const part = (name: Part): Float32Array => {
      const { offset, length } = this.#places.get(name)!;
      return this.#words.subarray(offset, offset + length);
    };
    part('actions').set(actions.subarray(0, count * horizon * actionDim));
    part('noise').set(noise.subarray(0, count * horizon * actionDim));
    const [into, sinusoids, coefficients, counts] = (['conditioning', 'sinusoids', 'coefficients', 'counts'] as const).map(part) as [
      Float32Array,
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    let valid = 0;
    for (let b = 0; b < count; b++) {
      into.set(conditioning.subarray(b * conditioningDim, (b + 1) * conditioningDim), b * alignUp(conditioningDim, 4));
      const timestep = timesteps[b] as number;
      const embedding = this.#sinusoids.subarray(timestep * stepEmbedDim, (timestep + 1) * stepEmbedDim);
      sinusoids.set(embedding, b * alignUp(stepEmbedDim, 4));
      const alpha = this.#alphas[timestep] as number;
      coefficients[2 * b] = Math.sqrt(alpha);
      coefficients[2 * b + 1] = Math.sqrt(1 - alpha);
      for (let t = 0; t < horizon; t++) {
        const counted = validity === null || validity[b * horizon + t] === 1;
        if (!counted) continue;
        counts[b * horizon + t] = 1;
        valid++;
      }
    }
    return { words: this.#words, inverseCount: 1 / Math.max(1, valid * actionDim) };
  }

  #check({ count, conditioning, actions, noise, timesteps, validity }: UNetBatch): void {
    const { horizon, actionDim, conditioningDim } = this.#shape;
    const batchSize = this.#batchSize;
    if (!Number.isInteger(count) || count < 1 || count > batchSize) {
      throw new OptionError(`batch.count: expected an integer from 1 to ${batchSize}, the batch size, found ${shownValue(count)}.`);
    }
    const sizes = [
      ['conditioning', conditioning, conditioningDim, Float32Array],
      ['actions', actions, horizon * actionDim, Float32Array],
      ['noise', noise, horizon * actionDim, Float32Array],
      ['timesteps', timesteps, 1, Int32Array],
      ...(validity === null ? [] : [['validity', validity, horizon, Uint8Array] as const]),
    ] as const;
    for (const [name, values, size, type] of sizes) {
      const length = values instanceof type ? values.length : undefined;
      if (length === undefined || (length !== batchSize * size && length !== count * size)) {
        throw new OptionError(
          `batch.${name}: expected ${batchSize} × ${size} values in a ${type.name} (or ${count} × ${size}, those that count), found ` +
            `${length === undefined ? shownValue(values) : `${length} values`}.`,
        );
      }
    }
    const wrong = timesteps.subarray(0, count).findIndex((timestep) => timestep < 0 || timestep >= this.#alphas.length);
    if (wrong >= 0) {
      throw new OptionError(`batch.timesteps: expected 0 … ${this.#alphas.length - 1}, found ${timesteps[wrong]} for sample ${wrong}.`);
    }
    const flag = validity?.subarray(0, count * horizon).findIndex((value) => value > 1) ?? -1;
    if (flag >= 0) throw new OptionError(`batch.validity: expected 0 or 1, found ${validity?.[flag]} for row ${flag}.`);
  }
}
