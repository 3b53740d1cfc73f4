import { DatasetError } from '../../foundation/errors.js';
import { MOST_NORMALIZED, type Normalizer, type Unnormalizer } from '../../spec/policy-spec.js';

/** What brings raw actions to where `unnormalizer` gives them back from: y = (x − shift) / multiply / halve − add. */
export function actionNormalizer({ mode, add, halve, multiply, shift }: Unnormalizer): Normalizer {
  return { mode, subtract: shift, divide: multiply, multiply: halve.map((value) => 1 / value), add: add.map((value) => -value) };
}

/** Rows of `size` values each, in the units of the robot. @throws DatasetError for values that are no finite numbers. */
export function checkRaw(values: Float32Array, size: number, name: string): Float32Array {
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad < 0) return values;
  throw new DatasetError(`${name}: expected finite numbers, found ${values[bad]} as value ${bad % size} of a row. Mend the data set.`);
}

/** Rows of `size` values each. @throws DatasetError for values that statistics of the same data could not have made. */
export function checkNormalized(values: Float32Array, size: number, name: string): Float32Array {
  const bad = values.findIndex((value) => !(Math.abs(value) <= MOST_NORMALIZED));
  if (bad < 0) return values;
  throw new DatasetError(
    `${name}: the statistics make ${values[bad]} of value ${bad % size}: expected numbers about −1 to 1. Use the data set that the policy was ` +
      'trained on, or statistics of this one.',
  );
}
