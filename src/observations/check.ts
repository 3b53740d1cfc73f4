import { ObservationError } from '../foundation/errors.js';
import { shownValue } from '../foundation/shown.js';
import type { ObservationInfo } from '../spec/policy-spec.js';

/** Values by feature name, e.g. `observation.state`; a window is flattened, oldest frame first. */
export type Observation = Readonly<Record<string, ArrayLike<number>>>;

/**
 * What the network reads of one tick, f32 [frameWidth]: the features in the order of the conditioning vector. Those of an
 * image lie here once it was encoded, so that a frame that stays in a window is not encoded again.
 */
export type Frame = Float32Array;

/** Values of a frame. */
export function frameWidth(features: readonly Pick<ObservationInfo, 'size'>[]): number {
  return features.reduce((sum, { size }) => sum + size, 0);
}

/**
 * Checks the observation of one tick and copies it. `where`: who was given it, for messages.
 * @throws ObservationError naming the feature: missing, unknown, given twice, wrong length, not a number, not finite.
 */
export function checkFrame(features: readonly ObservationInfo[], observation: Observation, where: string): Frame {
  return gatherFrames(features, observation, 1, where);
}

/**
 * The same for a window of `steps` ticks, [steps][size] by name; returns f32 [steps][frameWidth], oldest frame first.
 * @throws as checkFrame.
 */
export function checkWindow(features: readonly ObservationInfo[], window: Observation, steps: number, where: string): Float32Array {
  return gatherFrames(features, window, steps, where);
}

function gatherFrames(features: readonly ObservationInfo[], observation: Observation, frames: number, where: string): Float32Array {
  checkNames(features, observation, where);
  const width = frameWidth(features);
  const gathered = new Float32Array(frames * width);
  let column = 0;
  for (const feature of features) {
    const { name, size } = feature;
    const values = valuesOf(feature, observation, where);
    if (values.length !== frames * size) {
      const expected = frames === 1 ? `${size} values` : `${frames} × ${size} = ${frames * size} values`;
      throw new ObservationError(`${where}: observation "${name}" must have ${expected}, found ${values.length}.`);
    }
    for (let i = 0; i < frames * size; i++) {
      const value = values[i];
      // A bigint cannot even be rounded: the type comes first.
      const rounded = typeof value === 'number' ? Math.fround(value) : NaN;
      if (!Number.isFinite(rounded)) {
        throw new ObservationError(
          `${where}: observation "${name}" has ${shownValue(value)} at index ${i}: finite f32 numbers are needed. Check the sensor.`,
        );
      }
      gathered[Math.floor(i / size) * width + column + (i % size)] = rounded;
    }
    column += size;
  }
  return gathered;
}

function valuesOf({ name, feature, size }: ObservationInfo, observation: Observation, where: string): ArrayLike<number> {
  const values = observation[name] ?? observation[feature];
  if (values === undefined || values === null || typeof values !== 'object' || typeof values.length !== 'number') {
    const found = values === undefined ? 'nothing' : typeof values;
    throw new ObservationError(`${where}: observation "${name}" must be an array of ${size} numbers per frame, found ${found}.`);
  }
  return values;
}

function checkNames(features: readonly ObservationInfo[], observation: Observation, where: string): void {
  if (typeof observation !== 'object' || observation === null) {
    const found = observation === null ? 'null' : typeof observation;
    throw new ObservationError(`${where}: an observation must be an object of arrays by name, found ${found}.`);
  }
  const unknown = Object.keys(observation).find((key) => !features.some(({ name, feature }) => key === name || key === feature));
  if (unknown !== undefined) {
    const known = features.map(({ name }) => name).join(', ');
    throw new ObservationError(`${where}: observation "${shownValue(unknown)}" is not known to this policy. It reads: ${known}.`);
  }
  const twice = features.find(({ name, feature }) => name !== feature && name in observation && feature in observation);
  if (twice) {
    throw new ObservationError(`${where}: observation "${twice.name}" and "${twice.feature}" are the same feature: give one of them.`);
  }
}
