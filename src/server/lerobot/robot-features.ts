import { shownValue } from '../../foundation/shown.js';
import type { Observation, ObservationValue } from '../../observations/frame.js';
import { Picture } from '../../observations/picture.js';
import type { ImageObservation, ObservationInfo, VectorObservation } from '../../spec/policy-spec.js';
import { MessageError } from '../errors.js';
import { picturesAreMost } from '../kept-pictures.js';
import { NdArray } from '../nd-array.js';
import { fieldOf } from './pickle-read.js';
import { type Pickled, type PickledMap, PickledTuple } from './pickle-values.js';
import { resizeBytes } from './resize.js';

const IMAGES = 'observation.images.';

/** How a feature of the policy is made of what a robot sends. */
type Source =
  | { readonly kind: 'vector'; readonly feature: VectorObservation; readonly motors: readonly string[] }
  | { readonly kind: 'image'; readonly feature: ImageObservation; readonly camera: string };

/** Sides of an image that are resized; more is no camera. */
const MOST_SIDE = 16_384;

/** Makes observations of a policy of what a robot sends by the names of its motors and cameras. */
export class RobotFeatures {
  readonly #sources: readonly Source[];

  /**
   * `described`: the client's `lerobot_features`; `renamed`: its `rename_map`, names of the robot to those of the policy.
   * @throws MessageError where a feature of the policy is not there, or of another size.
   */
  constructor(features: readonly ObservationInfo[], described: Pickled | undefined, renamed: Pickled | undefined) {
    if (!(described instanceof Map)) throw new MessageError('lerobot_features must be a dictionary of features by name.');
    const names = renamed instanceof Map ? renamed : new Map<string, Pickled>();
    const known = [...described.keys()].map((key) => ({ key, name: names.get(key) ?? key }));
    this.#sources = features.map((feature): Source => {
      const found = known.find(({ name }) => name === feature.name || name === feature.feature);
      if (!found) {
        const others = known.map(({ key }) => shownValue(key)).slice(0, 32);
        throw new MessageError(
          `the robot has no "${feature.name}", which the policy reads; it has ${others.join(', ')}. A rename_map can say what stands for it.`,
        );
      }
      const { key } = found;
      if (feature.kind === 'image') return { kind: 'image', feature, camera: key.startsWith(IMAGES) ? key.slice(IMAGES.length) : key };
      const motors = namesOf(described.get(key));
      if (motors.length !== feature.size) {
        throw new MessageError(
          `"${shownValue(key)}" of the robot has ${motors.length} names, and the policy reads ${feature.size} values of it.`,
        );
      }
      return { kind: 'vector', feature, motors };
    });
  }

  /**
   * Nobody may write to the message afterwards: pictures may be views on it.
   * @throws MessageError where a motor or camera is missing, or is no number or picture.
   */
  observation(raw: Pickled | undefined): Observation {
    if (!(raw instanceof Map)) throw new MessageError('an observation must be a dictionary by the names of motors and cameras.');
    const fitting = this.#sources.flatMap((source) => {
      const value = source.kind === 'image' ? fieldOf(raw.get(source.camera)) : undefined;
      return source.kind === 'image' && value instanceof NdArray && isFitting(value, source.feature) ? [value] : [];
    });
    const isKept = picturesAreMost(fitting);
    return Object.fromEntries(
      this.#sources.map((source): [string, ObservationValue] => [
        source.feature.name,
        source.kind === 'vector' ? Float64Array.from(source.motors, (motor) => numberOf(raw, motor)) : pictureOf(raw, source, isKept),
      ]),
    );
  }
}

function namesOf(described: Pickled | undefined): string[] {
  const names = described instanceof Map ? described.get('names') : undefined;
  const list = names instanceof PickledTuple ? names.items : names;
  if (!Array.isArray(list) || !list.every((name): name is string => typeof name === 'string')) {
    throw new MessageError('a vector of lerobot_features must have `names`, a list of texts: the motors in their order.');
  }
  return list;
}

function numberOf(raw: PickledMap, motor: string): number {
  const value = fieldOf(raw.get(motor));
  const number = value instanceof NdArray && value.shape.every((side) => side === 1) ? value.floats()[0] : value;
  if (typeof number !== 'number')
    throw new MessageError(`observation: "${shownValue(motor)}" must be a number, found ${shownValue(number)}.`);
  return number;
}

/** Whether a picture has the policy's size, so that nothing is resized. */
function isFitting({ isBytes, shape: [height, width] }: NdArray, feature: ImageObservation): boolean {
  return isBytes && height === feature.height && width === feature.width;
}

/** `isKept`: a picture that has the policy's size is a view on the message; else it is copied. */
function pictureOf(raw: PickledMap, { feature, camera }: Source & { readonly kind: 'image' }, isKept: boolean): Picture {
  const value = fieldOf(raw.get(camera));
  const [height, width, channels] = value instanceof NdArray ? value.shape : [];
  const isPicture = value instanceof NdArray && value.isBytes && value.shape.length === 3 && channels === 3;
  if (!isPicture || !height || !width || height > MOST_SIDE || width > MOST_SIDE) {
    const found = value instanceof NdArray ? `${value.dtype} [${value.shape.join(', ')}]` : shownValue(value);
    throw new MessageError(`observation: camera "${shownValue(camera)}" must be bytes [height, width, 3], found ${found}.`);
  }
  const data = resizeBytes(value.data, [height, width], 3, [feature.height, feature.width]);
  return new Picture('u8-hwc3', feature.height, feature.width, data, undefined, isKept || data !== value.data);
}
