import { OptionError } from '../../foundation/errors.js';
import type { UnetShape } from '../../spec/network-shapes.js';
import { checkCount, checkFinite, checkPart } from '../plan/batch-checks.js';

/** What every method learns chunks from: `B × …` with B = `batchSize` samples, of which the first `count` count. */
export interface ChunkBatch {
  readonly count: number;
  /** B × G: what the observations became, normalised. */
  readonly conditioning: Float32Array;
  /** B × H × D, normalised; a method that learns from another network alone leaves it out. */
  readonly actions: Float32Array;
  /** B × H × D, standard normal. */
  readonly noise: Float32Array;
}

/** @throws OptionError for parts of a batch that do not fit the network, or are not finite. */
export function checkChunks<Batch extends Pick<ChunkBatch, 'count'>>(
  batch: Batch,
  { horizon, actionDim, conditioningDim }: UnetShape,
  batchSize: number,
  chunks: readonly (keyof Batch & string)[],
): void {
  checkCount(batch.count, batchSize);
  const sizes: (readonly [keyof Batch & string, number])[] = [
    ['conditioning' as keyof Batch & string, conditioningDim],
    ...chunks.map((name) => [name, horizon * actionDim] as const),
  ];
  for (const [name, size] of sizes) {
    const values = batch[name] as Float32Array;
    checkPart(name, values, Float32Array, size, { whole: batchSize, counted: batch.count });
    checkFinite(name, values, size, batch.count);
  }
}

/** Integers of each sample, from `least` to `most`. @throws OptionError. */
export function checkIntegers(
  name: string,
  values: Int32Array,
  size: number,
  [least, most]: readonly [number, number],
  [count, batchSize]: readonly [number, number],
): void {
  checkPart(name, values, Int32Array, size, { whole: batchSize, counted: count });
  const wrong = values.subarray(0, count * size).findIndex((value) => value < least || value > most);
  if (wrong < 0) return;
  throw new OptionError(`batch.${name}: expected ${least} … ${most}, found ${values[wrong]} for sample ${Math.floor(wrong / size)}.`);
}

/** Noise levels of each sample, finite and above 0. @throws OptionError. */
export function checkLevels(name: string, values: Float64Array, count: number, batchSize: number): void {
  const length = values instanceof Float64Array ? values.length : undefined;
  if (length !== batchSize && length !== count) {
    throw new OptionError(
      `batch.${name}: expected ${batchSize} values in a Float64Array (or ${count}, those that count), found ${length ?? 'none'}.`,
    );
  }
  const wrong = values.subarray(0, count).findIndex((value) => !(value > 0 && value < Infinity));
  if (wrong >= 0) throw new OptionError(`batch.${name}: expected finite levels above 0, found ${values[wrong]} for sample ${wrong}.`);
}

/** The first `count` samples of `size` values. */
export function counted<T extends Float32Array | Int32Array>(values: T, count: number, size: number): T {
  return values.subarray(0, count * size) as T;
}
