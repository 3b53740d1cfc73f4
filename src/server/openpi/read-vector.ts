import { shownValue } from '../../foundation/shown.js';
import type { VectorObservation } from '../../spec/policy-spec.js';
import { MessageError } from '../errors.js';
import type { Packed } from '../msgpack/decode.js';
import { numbersIn } from '../msgpack/numbers-in.js';
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
  if (!isList(value)) throw notNumbers(where, value);
  const rows = value.map((member) => rowOf(member, where));
  const [first] = rows;
  if (!rows.some(({ length }) => length !== undefined)) return { shape: [rows.length], values: rows.flatMap(({ values }) => [...values]) };
  if (rows.some(({ length }) => length !== first?.length)) {
    throw new MessageError(`${where}: lists within a list must be of one length, as the rows of an array are.`);
  }
  return { shape: [rows.length, first?.length ?? 0], values: rows.flatMap(({ values }) => [...values]) };
}

/** A member of a list: a number, which has no length, or a row of them. NumPy's scalars and arrays are both. */
function rowOf(member: Packed, where: string): { readonly length: number | undefined; readonly values: Iterable<number> } {
  const value = member instanceof Map ? numbersIn(member, where) : member;
  if (value instanceof NdArray && value.shape.length === 1) return { length: value.shape[0], values: value.floats() };
  if (isList(value)) return { length: value.length, values: value.map((one) => numberOf(one, where)) };
  return { length: undefined, values: [numberOf(value, where)] };
}

function isList(value: unknown): value is readonly Packed[] {
  return Array.isArray(value);
}

function numberOf(given: Packed | NdArray | undefined, where: string): number {
  const value = given instanceof Map ? numbersIn(given, where) : given;
  if (typeof value !== 'number' && typeof value !== 'boolean') throw notNumbers(where, given);
  return Number(value);
}

function notNumbers(where: string, value: unknown): MessageError {
  return new MessageError(`${where}: must be numbers, found ${shownValue(value)}.`);
}
