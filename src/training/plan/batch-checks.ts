import { OptionError } from '../../foundation/errors.js';
import { shownValue } from '../../foundation/shown.js';

/** @throws OptionError where `batchSize` is no number of samples. */
export function checkBatchSize(batchSize: unknown): void {
  if (Number.isInteger(batchSize) && (batchSize as number) >= 1) return;
  throw new OptionError(`batchSize: expected an integer from 1 on, found ${shownValue(batchSize)}.`);
}

/** @throws OptionError where `count`, the samples that count, does not fit a batch. */
export function checkCount(count: unknown, batchSize: number): void {
  if (Number.isInteger(count) && (count as number) >= 1 && (count as number) <= batchSize) return;
  throw new OptionError(`batch.count: expected an integer from 1 to ${batchSize}, the batch size, found ${shownValue(count)}.`);
}

/** Arrays that parts of a batch lie in. */
type PartType = Float32ArrayConstructor | Uint8ArrayConstructor | Int32ArrayConstructor;

/** Samples of a whole batch, and those of them that count. */
export interface BatchCounts {
  readonly whole: number;
  readonly counted: number;
}

/**
 * A part of `size` values per sample: exactly the samples that count, or a whole batch.
 * @throws OptionError.
 */
export function checkPart(name: string, values: unknown, type: PartType, size: number, { whole, counted }: BatchCounts): void {
  const length = values instanceof type ? values.length : undefined;
  if (length !== undefined && (length === whole * size || length === counted * size)) return;
  throw new OptionError(
    `batch.${name}: expected ${whole} × ${size} values in ${type === Int32Array ? 'an' : 'a'} ${type.name} (or ${counted} × ${size}, those that count), found ` +
      `${length === undefined ? shownValue(values) : `${length} values`}.`,
  );
}

/** @throws OptionError where one of the first `count` samples has a value that is no finite number. */
export function checkFinite(name: string, values: Float32Array, size: number, count: number): void {
  const wrong = values.subarray(0, count * size).findIndex((value) => !Number.isFinite(value));
  if (wrong < 0) return;
  throw new OptionError(`batch.${name}: expected finite values, found ${values[wrong]} for sample ${Math.floor(wrong / size)}.`);
}
