import { shownValue } from '../../foundation/shown.js';
import type { VectorObservation } from '../../spec/policy-spec.js';
import { MessageError } from '../errors.js';
import type { Packed } from '../msgpack/decode.js';
import { NdArray } from '../nd-array.js';

/** Numbers of one message under a name: [size], or [steps][size] of a window. */
export interface ReadVector {
  readonly values: ArrayLike<number>;
  readonly isWindow: boolean;
}

/**
 * The vector, or the vectors of a window, that a value holds: an array or lists of [size], [1, size] or [steps, size]; for a size of 1 a number as
 * well. Whether the numbers are finite is for the policy to say.
 * @throws MessageError for another shape, and for what is no number.
 */
export function readVector(feature: VectorObservation, value: Packed | NdArray, steps: number, where: string): ReadVector {
  const { size } = feature;
  const { shape, values } = shaped(value, where);
  const sides = shape.length === 2 && shape[0] === 1 ? shape.slice(1) : shape;
  const isFrame = (sides.length === 1 && sides[0] === size) || (sides.length === 0 && size === 1);
  const isWindow = steps > 1 && sides[0] === steps && (sides.length === 2 ? sides[1] === size : sides.length === 1 && size === 1);
  if (!isFrame && !isWindow) {
    throw new MessageError(
      `${where}: must be ${size} numbers, [${size}]${steps > 1 ? `, or ${steps} frames of them, [${steps}, ${size}], oldest first` : ''}; ` +
        `found [${shape.join(', ')}].`,
    );
  }
  return { values, isWindow };
}

interface ShapedNumbers {
  readonly shape: readonly number[];
  readonly values: ArrayLike<number>;
}

function shaped(value: Packed | NdArray, where: string): ShapedNumbers {
  if (value instanceof NdArray) return { shape: value.shape, values: value.floats() };
  if (typeof value === 'number' || typeof value === 'boolean') return { shape: [], values: [Number(value)] };
  if (!Array.isArray(value)) throw notNumbers(where, value);
  const list = value as readonly Packed[];
  if (!list.some(Array.isArray)) return { shape: [list.length], values: list.map((one) => numberOf(one, where)) };
  const rows = list.map((row) => {
    if (!Array.isArray(row) || row.length !== (list[0] as readonly Packed[]).length) {
      throw new MessageError(`${where}: lists within a list must be of one length, as the rows of an array are.`);
    }
    return (row as readonly Packed[]).map((one) => numberOf(one, where));
  });
  return { shape: [rows.length, rows[0]?.length ?? 0], values: rows.flat() };
}

function numberOf(value: Packed, where: string): number {
  if (typeof value !== 'number' && typeof value !== 'boolean') throw notNumbers(where, value);
  return Number(value);
}

function notNumbers(where: string, value: Packed): MessageError {
  return new MessageError(`${where}: must be numbers, found ${shownValue(value)}.`);
}
