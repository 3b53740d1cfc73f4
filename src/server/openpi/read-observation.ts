import { shownValue } from '../../foundation/shown.js';
import { checkFrame, checkWindow } from '../../observations/check.js';
import type { Frame, Observation, ObservationValue } from '../../observations/frame.js';
import type { ObservationInfo } from '../../spec/policy-spec.js';
import { MessageError } from '../errors.js';
import { picturesAreMost } from '../kept-pictures.js';
import type { Packed, PackedMap } from '../msgpack/decode.js';
import { numbersIn } from '../msgpack/numbers-in.js';
import { NdArray } from '../nd-array.js';
import type { KeyFinder } from './key-map.js';
import { readImages } from './read-image.js';
import { readVector } from './read-vector.js';

/** Key of a message that begins a new episode. */
export const RESET_KEY = 'reset';

/** What a client sent. */
export interface ReadObservation {
  /** Checked: one, or all of a window, oldest first. Their pictures may be views on the message. */
  readonly frames: readonly Frame[];
  readonly isWindow: boolean;
  /** Whether an episode begins with it. */
  readonly reset: boolean;
  /** Keys that the policy does not read. */
  readonly ignored: readonly string[];
}

/** Maps within maps, as ALOHA's `images`: a few levels, and no message has more. */
const MOST_GROUPS = 4;

/**
 * Reads an observation: values by key, in groups where a client has them. Nobody may write to the message afterwards.
 * @throws MessageError for what is no observation; ObservationError where a feature is missing, or its values are not finite.
 */
export function readObservation(message: Packed, features: readonly ObservationInfo[], finder: KeyFinder, steps: number): ReadObservation {
  if (!(message instanceof Map)) throw new MessageError(`observation: must be a map of values by name, found ${shownValue(message)}.`);
  const found = new Map<string, { readonly key: string; readonly value: Packed | NdArray }>();
  const ignored: string[] = [];
  let reset = false;
  for (const [key, value] of leaves(message, '', 0)) {
    const name = finder.featureOf(key);
    if (name === undefined && key === RESET_KEY) reset = truth(value);
    else if (name === undefined) ignored.push(key);
    else if (found.has(name)) {
      throw new MessageError(
        `observation: "${shownValue(found.get(name)?.key)}" and "${shownValue(key)}" both stand for "${name}": send one of them.`,
      );
    } else found.set(name, { key, value });
  }
  const pictures = features.flatMap(({ kind, name }) => {
    const value = kind === 'image' ? found.get(name)?.value : undefined;
    return value instanceof NdArray && value.isBytes ? [value] : [];
  });
  const isKept = picturesAreMost(pictures);
  const windows = new Set<boolean>();
  const observation: Record<string, ObservationValue> = {};
  for (const feature of features) {
    const { name } = feature;
    const given = found.get(name);
    if (!given) continue;
    const where = given.key === name ? `observation "${name}"` : `observation "${name}" (sent as "${shownValue(given.key)}")`;
    if (feature.kind === 'image') {
      if (!(given.value instanceof NdArray)) throw new MessageError(`${where}: must be an array, found ${shownValue(given.value)}.`);
      const { images, isWindow } = readImages(feature, given.value, steps, where, isKept);
      windows.add(isWindow);
      observation[name] = isWindow ? images : (images[0] as ObservationValue);
    } else {
      const { values, isWindow } = readVector(feature, given.value, steps, where);
      windows.add(isWindow);
      observation[name] = values;
    }
  }
  if (windows.size > 1) {
    throw new MessageError(`observation: some values are windows of ${steps} frames and some are single frames: send all in one way.`);
  }
  const isWindow = windows.has(true);
  return { frames: frames(features, observation, isWindow ? steps : 1, ignored), isWindow, reset, ignored };
}

function frames(
  features: readonly ObservationInfo[],
  observation: Observation,
  steps: number,
  ignored: readonly string[],
): readonly Frame[] {
  const missing = features.find(({ name }) => !(name in observation));
  if (missing) {
    const others = ignored.length === 0 ? '' : `; not read by this policy: ${ignored.slice(0, 16).map(shownValue).join(', ')}`;
    throw new MessageError(
      `observation: "${missing.name}" is missing${others}. This policy reads ${features.map(({ name }) => name).join(', ')}; ` +
        'other names of a client are given to the server, --key-map NAME=FEATURE.',
    );
  }
  return steps === 1 ? [checkFrame(features, observation, 'request')] : checkWindow(features, observation, steps, 'request');
}

/** Values with the path to them, `images/cam_high`. Arrays and NumPy scalars are values, however they travel. */
function* leaves(map: PackedMap, path: string, depth: number): Generator<readonly [string, Packed | NdArray]> {
  for (const [key, value] of map) {
    const place = path === '' ? key : `${path}/${key}`;
    if (!(value instanceof Map)) yield [place, value];
    else {
      const numbers = numbersIn(value, `observation "${shownValue(place)}"`);
      if (numbers !== undefined) yield [place, numbers];
      else if (depth < MOST_GROUPS) yield* leaves(value, place, depth + 1);
      else throw new MessageError(`observation "${shownValue(place)}": more than ${MOST_GROUPS} groups within each other.`);
    }
  }
}

function truth(value: Packed | NdArray): boolean {
  const given = value instanceof NdArray && value.data.length > 0 && value.shape.every((side) => side === 1) ? value.floats()[0] : value;
  if (typeof given === 'boolean') return given;
  if (given === 0 || given === 1) return given === 1;
  throw new MessageError(`observation "${RESET_KEY}": must be true or false, found ${shownValue(given)}.`);
}
