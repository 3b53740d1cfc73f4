import { CheckpointError } from '../foundation/errors.js';
import { shown } from './json-object.js';
import { DTYPE_BYTES, type Dtype, isDtype, isFloatDtype } from './safetensors/dtypes.js';
import type { TensorInfo } from './safetensors/header.js';
import type { SafetensorsFile } from './safetensors/safetensors.js';

/** The weights of a network under canonical names, whatever the file calls them. */
export interface NamedTensors {
  shape(name: string): readonly number[] | undefined;
  dtype(name: string): TensorInfo['dtype'] | undefined;
  names(): Iterable<string>;
  /** As SafetensorsFile.readFloats: a view of a scratch buffer that the next read overwrites. */
  readFloats(name: string): Promise<Float32Array>;
  /** `tensor "X" in FILE`, with the name that the file uses, or would use, for messages. */
  locate(name: string): string;
}

/** How tensors are stored in their files, each dtype that can be read once, in alphabetical order. */
export function storedDtypes(...weights: readonly NamedTensors[]): Dtype[] {
  const dtypes = weights.flatMap((tensors) => [...tensors.names()].map((name) => tensors.dtype(name)));
  return [...new Set(dtypes.filter(isDtype))].sort();
}

/** What a network's configuration asks of one tensor. */
export interface ExpectedTensor {
  readonly shape: readonly number[];
  /** The configuration keys that fix the shape, for messages. */
  readonly because: string;
}

/**
 * The tensors of one file, under the canonical names given (canonical name → name in the file). `expectedName` is what the
 * file would call a tensor that is not in it, for messages.
 */
export class FileTensors implements NamedTensors {
  readonly #file: SafetensorsFile;
  readonly #expectedName: (name: string) => string;
  readonly #infos = new Map<string, TensorInfo>();

  constructor(file: SafetensorsFile, storedNames: ReadonlyMap<string, string>, expectedName = (name: string): string => name) {
    this.#file = file;
    this.#expectedName = expectedName;
    for (const [name, stored] of storedNames) {
      const info = file.tensors.get(stored);
      if (info !== undefined) this.#infos.set(name, info);
    }
  }

  shape(name: string): readonly number[] | undefined {
    return this.#infos.get(name)?.shape;
  }

  dtype(name: string): TensorInfo['dtype'] | undefined {
    return this.#infos.get(name)?.dtype;
  }

  names(): Iterable<string> {
    return this.#infos.keys();
  }

  readFloats(name: string): Promise<Float32Array> {
    return this.#file.readFloats(this.#infos.get(name)?.name ?? this.#expectedName(name));
  }

  locate(name: string): string {
    return `tensor "${this.#infos.get(name)?.name ?? this.#expectedName(name)}" in ${this.#file.name}`;
  }
}

/**
 * Throws CheckpointError unless every expected tensor is there, in a float dtype, with exactly the expected shape.
 * Runs before any weight is read, so that no allocation can follow from a configuration alone.
 */
export function checkTensors(weights: NamedTensors, expected: ReadonlyMap<string, ExpectedTensor>): void {
  for (const [name, { shape, because }] of expected) {
    const where = weights.locate(name);
    const found = weights.shape(name);
    const wanted = `shape ${shown(shape)} (from ${because} in config.json)`;
    if (found === undefined) {
      throw new CheckpointError(
        `${where}: expected ${wanted}, found no such tensor. Check that config.json belongs to ` +
          'this model, or export the checkpoint again.',
      );
    }
    if (found.length !== shape.length || found.some((size, axis) => size !== shape[axis])) {
      throw new CheckpointError(
        `${where}: expected ${wanted}, found shape ${shown(found)}. Check that config.json ` + 'belongs to this model.',
      );
    }
    const dtype = weights.dtype(name)!;
    if (!isFloatDtype(dtype)) {
      throw new CheckpointError(`${where}: expected F64, F32, F16 or BF16, found ${dtype}. Export the weights as floats.`);
    }
  }
}

/** Elements and bytes on disk of the named tensors. */
export function countWeights(weights: NamedTensors, names: Iterable<string>): { parameters: number; bytes: number } {
  let parameters = 0;
  let bytes = 0;
  for (const name of names) {
    const elements = (weights.shape(name) ?? []).reduce((all, size) => all * size, 1);
    parameters += elements;
    const dtype = weights.dtype(name);
    bytes += elements * DTYPE_BYTES[isDtype(dtype) ? dtype : 'F32'];
  }
  return { parameters, bytes };
}
