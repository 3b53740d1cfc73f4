import { ObservationError } from '../foundation/errors.js';
import type { ObservationFeature } from '../spec/policy-spec.js';

/** Values by feature name, e.g. `observation.state`; a batch or a window is flattened, outermost index first. */
export type Observation = Readonly<Record<string, ArrayLike<number>>>;

/**
 * Checks observations of `frames` consecutive frames (batch × steps) and interleaves them as the network reads them:
 * f32 [frames][frameWidth], the features of a frame in the order of the conditioning vector.
 * @throws ObservationError naming the feature: missing, unknown, wrong length, not a number, not finite.
 */
export function gatherFrames(features: readonly ObservationFeature[], observation: Observation, frames: number): Float32Array {
  checkNames(features, observation);
  const width = features.reduce((sum, feature) => sum + feature.size, 0);
  const gathered = new Float32Array(frames * width);
  let column = 0;
  for (const feature of features) {
    const values = valuesOf(feature, observation);
    const { size } = feature;
    if (values.length !== frames * size) {
      const expected = frames === 1 ? `${size} values` : `${frames} × ${size} = ${frames * size} values`;
      throw new ObservationError(`observation "${feature.rawName}" must have ${expected}, found ${values.length}.`);
    }
    for (let frame = 0; frame < frames; frame++) {
      for (let i = 0; i < size; i++) {
        const value = values[frame * size + i];
        // A bigint cannot even be rounded: the type comes first.
        const rounded = typeof value === 'number' ? Math.fround(value) : NaN;
        if (!Number.isFinite(rounded)) {
          throw new ObservationError(
            `observation "${feature.rawName}" has ${String(value)} at index ${frame * size + i}: finite f32 numbers are needed. Check the sensor.`,
          );
        }
        gathered[frame * width + column + i] = rounded;
      }
    }
    column += size;
  }
  return gathered;
}

/** Frames in an observation, from the length of its first feature. */
export function countFrames(features: readonly ObservationFeature[], observation: Observation): number {
  checkNames(features, observation);
  const [first] = features;
  if (!first) return 0;
  return Math.floor(valuesOf(first, observation).length / first.size);
}

function valuesOf(feature: ObservationFeature, observation: Observation): ArrayLike<number> {
  const values = observation[feature.rawName] ?? observation[feature.name];
  if (values === undefined || values === null || typeof values !== 'object' || typeof values.length !== 'number') {
    throw new ObservationError(
      `observation "${feature.rawName}" must be an array of ${feature.size} numbers per frame, found ${values === undefined ? 'nothing' : typeof values}.`,
    );
  }
  return values;
}

function checkNames(features: readonly ObservationFeature[], observation: Observation): void {
  if (typeof observation !== 'object' || observation === null) {
    throw new ObservationError(
      `an observation must be an object of arrays by name, found ${observation === null ? 'null' : typeof observation}.`,
    );
  }
  const expected = features.map((feature) => feature.rawName);
  for (const name of Object.keys(observation)) {
    if (!features.some((feature) => feature.rawName === name || feature.name === name)) {
      throw new ObservationError(`observation "${name}" is not known to this policy. It reads: ${expected.join(', ')}.`);
    }
  }
  for (const feature of features) {
    if (feature.rawName !== feature.name && feature.rawName in observation && feature.name in observation) {
      throw new ObservationError(`observation "${feature.rawName}" and "${feature.name}" are the same feature: give one of them.`);
    }
  }
}
