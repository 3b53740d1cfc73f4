import { CheckpointError } from '../../foundation/errors.js';
import type { Sides } from '../../spec/policy-spec.js';
import { type JsonObject, shown } from '../json-object.js';
import { listed } from '../source.js';

export const STATE = 'observation.state';
export const ENVIRONMENT = 'observation.environment_state';
export const ACTION = 'action';

/** Channels of an image that a backbone reads. */
const CHANNELS = 3;
/** What no camera exceeds; devices have limits of their own. */
const MOST_PIXELS_OF_SIDE = 8192;

/** What the network reads or writes, as config.json describes it. */
export interface FileFeature {
  readonly name: string;
  /** LeRobot's feature type: STATE, VISUAL, ENV, ACTION. */
  readonly type: string;
  /** Values that its statistics have: all of a vector, one for each channel of an image. */
  readonly size: number;
  /** Of an image; undefined for a vector. */
  readonly sides: Sides | undefined;
  /** LeRobot's normalisation mode in the model configuration, such as "MIN_MAX"; undefined when it names none. */
  readonly mode: string | undefined;
  /** Place among the input features of config.json. */
  readonly position: number;
  /** What Diffusion Policy calls it, or its parts in order (`keys`, a key of ours); undefined where config.json does not say. */
  readonly keys: readonly string[] | undefined;
}

export interface PolicyFeatures {
  /** State, images in the order of config.json, environment state: the order of the conditioning vector. */
  readonly observations: readonly FileFeature[];
  readonly action: FileFeature;
}

interface RawFeature {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly number[];
  readonly mode: string | undefined;
  readonly position: number;
  readonly keys: readonly string[] | undefined;
}

/** Reads the features in either spelling: `input_features` (2025 on) or `input_shapes` (2024). */
export function readFeatures(config: JsonObject, warnings: string[]): PolicyFeatures {
  const inputs = config.has('input_features') ? typedFeatures(config, 'input_features') : shapedFeatures(config, 'input');
  const outputs = config.has('output_features') ? typedFeatures(config, 'output_features') : shapedFeatures(config, 'output');
  const images = inputs.filter((feature) => feature.type === 'VISUAL');
  const state = inputs.find((feature) => feature.name === STATE);
  if (state === undefined) {
    throw new CheckpointError(
      `${config.where}: expected an input feature "${STATE}", found ` +
        `${listed(inputs.map((feature) => feature.name))}. LeRobot requires it: export the checkpoint again.`,
    );
  }
  const environment = inputs.find((feature) => feature.name === ENVIRONMENT);
  const ignored = inputs.filter((feature) => feature !== state && feature !== environment && !images.includes(feature));
  if (ignored.length > 0) {
    warnings.push(
      `${config.where}: the network does not read the input features ` +
        `${listed(ignored.map((feature) => feature.name))}; they are ignored.`,
    );
  }
  if (environment === undefined && images.length === 0) {
    warnings.push(`${config.where}: "${STATE}" is the only observation; LeRobot itself asks for images or ` + `"${ENVIRONMENT}" too.`);
  }
  const action = outputs.find((feature) => feature.name === ACTION);
  if (action === undefined) {
    throw new CheckpointError(
      `${config.where}: expected an output feature "${ACTION}", found ` +
        `${listed(outputs.map((feature) => feature.name))}. Export the checkpoint again.`,
    );
  }
  return {
    observations: [
      vector(config, state),
      ...images.map((feature) => image(config, feature, images[0] as RawFeature)),
      ...(environment === undefined ? [] : [vector(config, environment)]),
    ],
    action: vector(config, action),
  };
}

function typedFeatures(config: JsonObject, key: string): RawFeature[] {
  const features = config.object(key);
  // LeRobot's default when the key is older than the file (configuration_diffusion.py).
  const mapping = config.isNull('normalization_mapping')
    ? new Map<string, unknown>([
        ['VISUAL', 'MEAN_STD'],
        ['STATE', 'MIN_MAX'],
        ['ACTION', 'MIN_MAX'],
      ])
    : new Map(config.object('normalization_mapping').entries());
  return Array.from(features.entries(), ([name], position) => {
    const feature = features.object(name);
    const type = feature.string('type');
    const keys = feature.has('keys') ? feature.strings('keys') : undefined;
    return { name, type, shape: feature.integers('shape', {}), mode: modeName(config, type, mapping.get(type)), position, keys };
  });
}

function shapedFeatures(config: JsonObject, side: 'input' | 'output'): RawFeature[] {
  if (!config.has(`${side}_shapes`)) {
    config.fail(`${side}_features`, `there (or "${side}_shapes" in files of 2024)`);
  }
  const shapes = config.object(`${side}_shapes`);
  const modes = config.object(`${side}_normalization_modes`);
  return Array.from(shapes.entries(), ([name], position) => ({
    name,
    type: typeOf(name),
    shape: shapes.integers(name, {}),
    mode: modeName(config, name, modes.value(name)),
    position,
    keys: undefined,
  }));
}

/** Types of the 2024 spelling follow from the key (LeRobot's conversion of old configurations). */
function typeOf(name: string): string {
  if (name.startsWith('observation.image')) return 'VISUAL';
  if (name === ENVIRONMENT) return 'ENV';
  return name === ACTION ? 'ACTION' : 'STATE';
}

function modeName(config: JsonObject, key: string, value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'string') return value.toUpperCase();
  throw new CheckpointError(
    `${config.where}: the normalisation mode of "${key}" must be a string, found ${shown(value)}. ` +
      'Use config.json as training wrote it.',
  );
}

function vector(config: JsonObject, { name, type, shape, mode, position, keys }: RawFeature): FileFeature {
  const [size] = shape;
  if (shape.length !== 1 || size === undefined) {
    throw new CheckpointError(
      `${config.where}: feature "${name}" must be a vector with shape [n], found shape ` +
        `${shown(shape)}. Only vectors can be conditioned on: export the checkpoint again.`,
    );
  }
  return { name, type, size, sides: undefined, mode, position, keys };
}

/** All images have the shape of the first one, as LeRobot has it. */
function image(config: JsonObject, { name, type, shape, mode, position, keys }: RawFeature, first: RawFeature): FileFeature {
  const [channels, height, width] = shape;
  if (shape.length !== 3 || channels !== CHANNELS || height === undefined || width === undefined) {
    throw new CheckpointError(
      `${config.where}: the image "${name}" must have shape [${CHANNELS}, height, width], found ${shown(shape)}. ` +
        'Use config.json as training wrote it.',
    );
  }
  if (Math.max(height, width) > MOST_PIXELS_OF_SIDE) {
    throw new CheckpointError(
      `${config.where}: the image "${name}" must have sides of at most ${MOST_PIXELS_OF_SIDE} pixels, found ${shown(shape)}. ` +
        'Use config.json as training wrote it.',
    );
  }
  if (shape.some((side, axis) => side !== first.shape[axis])) {
    throw new CheckpointError(
      `${config.where}: all images must have the shape of "${first.name}", ${shown(first.shape)}, found ${shown(shape)} for "${name}". ` +
        'Use config.json as training wrote it.',
    );
  }
  return { name, type, size: channels, sides: [height, width], mode, position, keys };
}
