import { shownValue } from '../../foundation/shown.js';
import { MessageError } from '../errors.js';
import { NdArray } from '../nd-array.js';
import type { Packed, PackedMap } from './decode.js';

/** Dimensions of an array. NumPy allows 64; an image of a window has four. */
const MOST_DIMENSIONS = 8;

/**
 * An array or a NumPy scalar as openpi's clients write it, a map with `__ndarray__` or `__npgeneric__`; undefined for a map that is neither.
 * @throws MessageError where it says that it is one, and is not.
 */
export function numbersIn(map: PackedMap, where: string): NdArray | number | undefined {
  if (map.get('__npgeneric__') === true) {
    const value = map.get('data');
    if (typeof value !== 'number' && typeof value !== 'boolean') {
      throw new MessageError(`${where}: a NumPy scalar must be a number, found ${shownValue(value)}.`);
    }
    return Number(value);
  }
  if (map.get('__ndarray__') !== true) return undefined;
  const data = map.get('data');
  const dtype = map.get('dtype');
  const shape = map.get('shape');
  if (!(data instanceof Uint8Array) || typeof dtype !== 'string' || !isShape(shape)) {
    throw new MessageError(
      `${where}: an array must have \`data\` (bin), \`dtype\` (text) and \`shape\` (at most ${MOST_DIMENSIONS} sides).`,
    );
  }
  return new NdArray(dtype, shape, data, where);
}

function isShape(shape: Packed | undefined): shape is readonly number[] {
  return (
    Array.isArray(shape) &&
    shape.length <= MOST_DIMENSIONS &&
    shape.every((side) => typeof side === 'number' && Number.isInteger(side) && side >= 0)
  );
}
