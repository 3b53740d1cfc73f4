import { ObservationError } from '../foundation/errors.js';
import { shownValue } from '../foundation/shown.js';
import { type ImageObservation, type ObservationInfo, type VectorObservation, valuesInFrame } from '../spec/policy-spec.js';
import { type Frame, frameWidth, type Observation } from './frame.js';
import type { Picture } from './picture.js';

function hasImages(features: readonly ObservationInfo[]): boolean {
  for (const { kind } of features) if (kind === 'image') return true;
  return false;
}

/** Of all frames of vectors alone. */
const NO_PICTURES: Picture[] = [];

/** Checks the images that are observed under the name of a feature, `count` of them, oldest first. @throws ObservationError. */
export type CheckPictures = (feature: ImageObservation, value: unknown, count: number, where: string) => Picture[];

/**
 * Checks an observation of `count` ticks and copies it; returns its frames, oldest first. `checkPictures`: given where a feature is an image.
 * It is not imported, so that programs without images need not carry it.
 * @throws ObservationError naming the feature: missing, unknown, given twice, wrong length, not a number, not finite.
 */
export function gatherFrames(
  features: readonly ObservationInfo[],
  observation: Observation,
  count: number,
  where: string,
  checkPictures: CheckPictures | undefined,
): Frame[] {
  checkNames(features, observation, where);
  const width = frameWidth(features);
  // Not Array.from: it leaves three times the garbage, and a control loop gathers a frame every tick.
  const frames = new Array<Frame & { readonly pictures: Picture[] }>(count);
  const withPictures = hasImages(features);
  for (let step = 0; step < count; step++) frames[step] = { values: new Float32Array(width), pictures: withPictures ? [] : NO_PICTURES };
  let column = 0;
  for (const feature of features) {
    if (feature.kind === 'image') {
      const pictures = (checkPictures as CheckPictures)(feature, observation[feature.name] ?? observation[feature.feature], count, where);
      pictures.forEach((picture, step) => frames[step]?.pictures.push(picture));
    } else {
      gatherVector(feature, observation, column, frames, where);
    }
    column += valuesInFrame(feature);
  }
  return frames;
}

function gatherVector(feature: VectorObservation, observation: Observation, column: number, frames: readonly Frame[], where: string): void {
  const { name, size } = feature;
  const values = valuesOf(feature, observation, where);
  const count = frames.length;
  if (values.length !== count * size) {
    const expected = count === 1 ? `${size} values` : `${count} × ${size} = ${count * size} values`;
    throw new ObservationError(`${where}: observation "${name}" must have ${expected}, found ${values.length}.`);
  }
  // Apart from other lists: where a value may be anything, the JavaScript engine makes an object of it, 16 bytes each.
  const numbers = values instanceof Float32Array ? values : undefined;
  for (let step = 0; step < count; step++) {
    const to = (frames[step] as Frame).values;
    for (let i = 0; i < size; i++) {
      const from = step * size + i;
      if (numbers) {
        to[column + i] = numbers[from] as number;
      } else {
        const value = values[from];
        // A bigint cannot even be rounded: the type comes first.
        to[column + i] = typeof value === 'number' ? value : NaN;
      }
      // What was stored of it: a number that f32 cannot hold is infinite there.
      if (!Number.isFinite(to[column + i])) {
        throw new ObservationError(
          `${where}: observation "${name}" has ${shownValue(values[from])} at index ${from}: finite f32 numbers are needed. Check the sensor.`,
        );
      }
    }
  }
}

function valuesOf({ name, feature, size }: VectorObservation, observation: Observation, where: string): ArrayLike<unknown> {
  const values: unknown = observation[name] ?? observation[feature];
  if (values === undefined || values === null || typeof values !== 'object' || !('length' in values) || typeof values.length !== 'number') {
    const found = values === undefined ? 'nothing' : typeof values;
    throw new ObservationError(`${where}: observation "${name}" must be an array of ${size} numbers per frame, found ${found}.`);
  }
  return values as ArrayLike<unknown>;
}

function isKnown(features: readonly ObservationInfo[], key: string): boolean {
  for (const { name, feature } of features) if (key === name || key === feature) return true;
  return false;
}

function checkNames(features: readonly ObservationInfo[], observation: Observation, where: string): void {
  if (typeof observation !== 'object' || observation === null) {
    const found = observation === null ? 'null' : typeof observation;
    throw new ObservationError(`${where}: an observation must be an object of arrays by name, found ${found}.`);
  }
  for (const key of Object.keys(observation)) {
    if (isKnown(features, key)) continue;
    const known = features.map(({ name }) => name).join(', ');
    throw new ObservationError(`${where}: observation "${shownValue(key)}" is not known to this policy. It reads: ${known}.`);
  }
  for (const { name, feature } of features) {
    if (name === feature || !(name in observation && feature in observation)) continue;
    throw new ObservationError(`${where}: observation "${name}" and "${feature}" are the same feature: give one of them.`);
  }
}
