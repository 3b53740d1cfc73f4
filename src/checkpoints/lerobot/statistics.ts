import { CheckpointError } from '../../foundation/errors.js';
import type { ObservationFeature, Unnormalizer } from '../../spec/policy-spec.js';
import { shown } from '../json-object.js';
import type { SafetensorsFile } from '../safetensors/safetensors.js';

/** What every source of statistics comes down to, whichever dialect keeps them where. */
export interface PolicyNormalization {
  /** In the order of the features asked for. */
  readonly observations: readonly ObservationFeature[];
  readonly action: Unnormalizer;
}

/**
 * Reads one vector of statistics, copied. Shape [n], or [1, …, n] which broadcasts the same way.
 * Throws CheckpointError naming the tensor when it is absent, of another size, or not finite; LeRobot fills statistics
 * that were never computed with infinity.
 */
export async function readStatistic(file: SafetensorsFile, stored: string, size: number): Promise<Float32Array> {
  const shape = file.tensors.get(stored)?.shape ?? [size];
  if (shape.at(-1) !== size || shape.slice(0, -1).some((axis) => axis !== 1)) {
    throw new CheckpointError(
      `${file.name}, tensor "${stored}": expected shape [${size}] for a feature of that size in ` +
        `config.json, found ${shown(shape)}. Export the checkpoint again.`,
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
