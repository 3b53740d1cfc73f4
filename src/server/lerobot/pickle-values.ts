import { MessageError } from '../errors.js';
import { NdArray } from '../nd-array.js';

/** What a pickle of a robot holds, as data: nothing of Python is run, found or imported for it. */
export type Pickled =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | readonly Pickled[]
  | PickledTuple
  | PickledMap
  | PickledRecord
  | PickledGlobal
  | PickledDtype
  | PickledArray
  | NdArray;
export type PickledMap = Map<string, Pickled>;

export class PickledTuple {
  readonly items: readonly Pickled[];

  constructor(items: readonly Pickled[]) {
    this.items = items;
  }
}

/** A name of Python: never looked up, compared alone. */
export class PickledGlobal {
  readonly module: string;
  readonly name: string;

  constructor(module: string, name: string) {
    this.module = module;
    this.name = name;
  }
}

/** An object of one of the protocol's classes, by the names of its fields. */
export class PickledRecord {
  readonly module: string;
  readonly name: string;
  fields: ReadonlyMap<string, Pickled> = new Map();

  constructor({ module, name }: PickledGlobal) {
    this.module = module;
    this.name = name;
  }
}

/** NumPy's dtype, whose order of bytes comes after it. */
export class PickledDtype {
  readonly code: string;
  order = '|';

  constructor(code: string) {
    this.code = code;
  }

  get text(): string {
    return `${this.order}${this.code}`;
  }
}

/** A NumPy array: made empty, then filled. */
export class PickledArray {
  filled: NdArray | undefined;
}

/** Dimensions of an array: an image has three. */
const MOST_DIMENSIONS = 8;

/** An array in C order, of bytes that may be in Fortran's, which runs through the first index fastest. @throws MessageError. */
export function arrayOf(dtype: Pickled, shape: Pickled, isFortran: boolean, data: Pickled): NdArray {
  if (!(dtype instanceof PickledDtype) || !(shape instanceof PickledTuple) || !(data instanceof Uint8Array)) {
    throw new MessageError('pickle: a NumPy array must have a dtype, a shape and bytes.');
  }
  const sides = shape.items.map((side) => {
    if (typeof side !== 'number' || !Number.isInteger(side) || side < 0)
      throw new MessageError('pickle: sides of an array must be whole numbers.');
    return side;
  });
  if (sides.length > MOST_DIMENSIONS)
    throw new MessageError(`pickle: an array of ${sides.length} dimensions, ${MOST_DIMENSIONS} are the most.`);
  const array = new NdArray(dtype.text, sides, data, 'pickle');
  return isFortran && sides.length > 1 ? new NdArray(dtype.text, sides, inOrderOfC(sides, data), 'pickle') : array;
}

/** A NumPy scalar. @throws MessageError. */
export function scalarOf(dtype: Pickled, data: Pickled): number {
  return arrayOf(dtype, new PickledTuple([]), false, data).floats()[0] as number;
}

function inOrderOfC(sides: readonly number[], data: Uint8Array): Uint8Array {
  const count = sides.reduce((product, side) => product * side, 1);
  const size = count === 0 ? 0 : data.length / count;
  const sorted = new Uint8Array(data.length);
  // Of each element in the order of C, where it lies in Fortran's.
  const index = sides.map(() => 0);
  const strides = sides.map((_, axis) => sides.slice(0, axis).reduce((product, side) => product * side, 1));
  for (let element = 0; element < count; element++) {
    const from = index.reduce((sum, place, axis) => sum + place * (strides[axis] as number), 0);
    sorted.set(data.subarray(from * size, (from + 1) * size), element * size);
    for (let axis = sides.length - 1; axis >= 0; axis--) {
      index[axis] = (index[axis] as number) + 1;
      if ((index[axis] as number) < (sides[axis] as number)) break;
      index[axis] = 0;
    }
  }
  return sorted;
}
