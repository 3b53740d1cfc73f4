import { CheckpointError } from '../../foundation/errors.js';
import type { Normalizer, Unnormalizer } from '../../spec/policy-spec.js';
import { shown } from '../json-object.js';
import type { SafetensorsFile } from '../safetensors/safetensors.js';
import type { FileFeature } from './features.js';

/** What every source of statistics comes down to, whichever dialect keeps them where. */
export interface PolicyNormalization {
  /** In the order of the features asked for. */
  readonly observations: readonly ObservationNormalization[];
  readonly action: Unnormalizer;
}

/** What statistics and rename maps say of an observation. */
export interface ObservationNormalization {
  /** Name under which a robot delivers it. */
  readonly rawName: string;
  /** Of the values of a vector, or of the channels of an image. */
  readonly normalizer: Normalizer;
}

/**
 * Reads one vector of statistics, copied. Shape [n], or [1, …, n] which broadcasts the same way; of an image also [n, 1, 1].
 * Throws CheckpointError naming the tensor when it is absent, of another size, or not finite; LeRobot fills statistics
 * that were never computed with infinity.
 */
export async function readStatistic(
  file: SafetensorsFile,
  stored: string,
  { size, sides }: Pick<FileFeature, 'size' | 'sides'>,
): Promise<Float32Array> {
  const shape = file.tensors.get(stored)?.shape ?? [size];
  // Statistics of channels broadcast over rows and columns.
  const values = sides !== undefined && shape.length >= 3 && shape.slice(-2).every((axis) => axis === 1) ? shape.slice(0, -2) : shape;
  if (values.at(-1) !== size || values.slice(0, -1).some((axis) => axis !== 1)) {
    throw new CheckpointError(
      `${file.name}, tensor "${stored}": expected shape [${size}]${sides === undefined ? '' : ` or [${size},1,1]`} for a feature of ` +
        `${sides === undefined ? 'that size' : 'as many channels'} in config.json, found ${shown(shape)}. Export the checkpoint again.`,
    );
  }
  return (await file.readFloats(stored)).slice();
}

/** Throws the error for a feature whose mode needs statistics that are not there. */
export function missingStatistics(where: string, feature: string, mode: string, pair: readonly string[]): never {
  const names = pair.map((name) => `"${name}"`).join(' and ');
  throw new CheckpointError(
    `${where}: expected the statistics ${names}, which mode ${mode} of feature "${feature}" ` +
      'needs, but not both are there. Export the checkpoint again with its dataset statistics.',
  );
}
