import { OptionError } from '../foundation/errors.js';
import type { Frame } from '../observations/check.js';
import type { PredictorObservation } from '../spec/network-shapes.js';
import { type ObservationInfo, valuesInFrame } from '../spec/policy-spec.js';

/** Rows that a start reads in place of the conditioning: features of its own encoder, then vectors in the units of the robot. */
export interface StartRows {
  readonly width: number;
  /** Features of one picture. */
  readonly features: number;
  /** Cameras in the order of their features, as places among the pictures of a frame. */
  readonly cameras: readonly number[];
  /** Values of a frame that follow. */
  readonly vectors: readonly { readonly first: number; readonly size: number }[];
}

/**
 * How rows are made of the frames of a policy; undefined where the start reads the conditioning. `where`: the start and the policy, for
 * messages.
 * @throws OptionError where the policy does not observe what the start reads, or not of that size.
 */
export function startRows(observation: PredictorObservation, observed: readonly ObservationInfo[], where: string): StartRows | undefined {
  if (observation.kind !== 'raw') return undefined;
  const { encoder, width } = observation;
  const fail = (what: string, todo: string): never => {
    throw new OptionError(`${where}: ${what}. ${todo}`);
  };
  const find = (name: string, kind: ObservationInfo['kind']): ObservationInfo => {
    const found = observed.find((one) => one.kind === kind && (one.feature === name || one.name === name));
    if (found) return found;
    const known = observed.filter((one) => one.kind === kind).map(({ feature }) => feature);
    return fail(
      `it reads the ${kind} "${name}", which the policy does not observe (${known.length === 0 ? 'it observes none' : known.join(', ')})`,
      'Give the predictor that was trained for this policy.',
    );
  };
  const images = observed.filter(({ kind }) => kind === 'image');
  const cameras = observation.cameras.map((name) => {
    const camera = find(name, 'image');
    if (camera.kind === 'image' && (camera.height !== encoder.height || camera.width !== encoder.width)) {
      fail(
        `it reads pictures of ${encoder.height}×${encoder.width} pixels (image_shape), the policy's "${name}" has ${camera.height}×${camera.width}`,
        'Give the predictor that was trained for this policy.',
      );
    }
    return images.indexOf(camera);
  });
  const vectors = observation.vectors.map((name) => {
    const index = observed.indexOf(find(name, 'vector'));
    const before = observed.slice(0, index).reduce((sum, one) => sum + valuesInFrame(one), 0);
    return { first: before, size: valuesInFrame(observed[index] as ObservationInfo) };
  });
  const found = cameras.length * encoder.features + vectors.reduce((sum, { size }) => sum + size, 0);
  if (found !== width) {
    fail(
      `its rows have ${width} values (feature_dim), ${cameras.length} × ${encoder.features} features and the policy's ` +
        `${observation.vectors.join(', ') || 'no vectors'} make ${found}`,
      'Give the predictor that was trained for this policy.',
    );
  }
  return { width, features: encoder.features, cameras, vectors };
}

/** Writes the vectors of a frame into its row. */
export function writeVectors({ features, cameras, vectors }: StartRows, { values }: Frame, row: Float32Array): void {
  let column = cameras.length * features;
  for (const { first, size } of vectors) {
    row.set(values.subarray(first, first + size), column);
    column += size;
  }
}
