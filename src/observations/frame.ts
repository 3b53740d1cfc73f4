import { type ObservationInfo, valuesInFrame } from '../spec/policy-spec.js';
import type { ImageValue, Picture } from './picture.js';

/** What is observed under a name: a vector, whose window is flattened, or an image, whose window is a list; oldest frame first. */
export type ObservationValue = ArrayLike<number> | ImageValue | readonly ImageValue[];

/** Values by feature name, e.g. `observation.state` or `observation.image`. */
export type Observation = Readonly<Record<string, ObservationValue>>;

/** What the network reads of one tick. It does not change, so that what was made of its pictures can be kept beside them. */
export interface Frame {
  /** The features in the order of the conditioning vector, f32 [frameWidth]; zeros where the features of images belong. */
  readonly values: Float32Array;
  /** One for each image, in the same order. */
  readonly pictures: readonly Picture[];
}

/** Values of a frame. */
export function frameWidth(features: readonly ObservationInfo[]): number {
  let width = 0;
  for (const feature of features) width += valuesInFrame(feature);
  return width;
}

/** Where the features of images begin in a frame, in the order of its pictures. */
export function imageColumns(features: readonly ObservationInfo[]): number[] {
  let column = 0;
  return features.flatMap((feature) => {
    const first = column;
    column += valuesInFrame(feature);
    return feature.kind === 'image' ? [first] : [];
  });
}

/** A frame by name, as a policy takes it. */
export function observationOf(features: readonly ObservationInfo[], { values, pictures }: Frame): Observation {
  let column = 0;
  let image = 0;
  return Object.fromEntries(
    features.map((feature): [string, ObservationValue] => {
      const first = column;
      column += valuesInFrame(feature);
      return [feature.name, feature.kind === 'image' ? (pictures[image++] as Picture) : values.slice(first, column)];
    }),
  );
}
