import { OptionError } from '../../foundation/errors.js';
import { sinusoidalEmbedding } from '../../networks/unet/timestep-table.js';
import { alignUp } from '../../runtime/buffers.js';
import type { UnetShape } from '../../spec/network-shapes.js';
import { checkCount, checkPart } from '../plan/batch-checks.js';
import { BatchLayout } from '../plan/batch-layout.js';
import type { PackedBatch } from '../plan/planned-training.js';
import type { UNetBatch } from '../training-step.js';

/** What the network is trained to say. */
export type TrainedPrediction = 'epsilon' | 'sample';

/** Parts of what a step uploads. */
type Part = 'conditioning' | 'sinusoids' | 'actions' | 'noise' | 'coefficients' | 'counts';

/**
 * Packs batches for the device: one write holds them as [conditioning | sinusoids of the timesteps | actions | noise | (√ᾱ, √(1 − ᾱ)) |
 * which rows count]. Rows past a short batch are zeros and do not count.
 */
export class UNetBatchPacker {
  readonly #shape: UnetShape;
  readonly #batchSize: number;
  readonly #sinusoids: Float32Array;
  readonly #alphas: ArrayLike<number>;
  readonly #layout: BatchLayout<Part>;

  /** `alphas`: ᾱ by timestep, as PyTorch rounds it. */
  constructor(shape: UnetShape, batchSize: number, alphas: ArrayLike<number>) {
    this.#shape = shape;
    this.#batchSize = batchSize;
    this.#alphas = alphas;
    this.#sinusoids = sinusoidalEmbedding(alphas.length, shape.stepEmbedDim);
    const { horizon, actionDim } = shape;
    this.#layout = new BatchLayout<Part>({
      conditioning: batchSize * alignUp(shape.conditioningDim, 4),
      sinusoids: batchSize * alignUp(shape.stepEmbedDim, 4),
      actions: batchSize * horizon * actionDim,
      noise: batchSize * horizon * actionDim,
      coefficients: batchSize * 2,
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
   * The words of a batch, good until the next one is packed, and 1 / N, N the elements that count: all of them, or with `validity` as many as
   * it says, 1 at least.
   * @throws OptionError for sizes, timesteps or flags that do not fit.
   */
  pack(batch: UNetBatch): PackedBatch {
    this.#check(batch);
    const { count, conditioning, actions, noise, timesteps, validity } = batch;
    const { horizon, actionDim, conditioningDim, stepEmbedDim } = this.#shape;
    const { words } = this.#layout;
    words.fill(0);
    const part = (name: Part): Float32Array => this.#layout.part(name);
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
    return { words, inverseCount: 1 / Math.max(1, valid * actionDim) };
  }

  #check({ count, conditioning, actions, noise, timesteps, validity }: UNetBatch): void {
    const { horizon, actionDim, conditioningDim } = this.#shape;
    const batchSize = this.#batchSize;
    checkCount(count, batchSize);
    const sizes = [
      ['conditioning', conditioning, conditioningDim, Float32Array],
      ['actions', actions, horizon * actionDim, Float32Array],
      ['noise', noise, horizon * actionDim, Float32Array],
      ['timesteps', timesteps, 1, Int32Array],
      ...(validity === null ? [] : [['validity', validity, horizon, Uint8Array] as const]),
    ] as const;
    for (const [name, values, size, type] of sizes) checkPart(name, values, type, size, { whole: batchSize, counted: count });
    const wrong = timesteps.subarray(0, count).findIndex((timestep) => timestep < 0 || timestep >= this.#alphas.length);
    if (wrong >= 0) {
      throw new OptionError(`batch.timesteps: expected 0 … ${this.#alphas.length - 1}, found ${timesteps[wrong]} for sample ${wrong}.`);
    }
    const flag = validity?.subarray(0, count * horizon).findIndex((value) => value > 1) ?? -1;
    if (flag >= 0) throw new OptionError(`batch.validity: expected 0 or 1, found ${validity?.[flag]} for row ${flag}.`);
  }
}
