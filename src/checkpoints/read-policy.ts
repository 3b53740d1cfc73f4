import { CheckpointError } from '../foundation/errors.js';
import { checkKeys, checkSignal } from '../foundation/options.js';
import { visible } from '../foundation/visible.js';
import type { ImageEncoderShape } from '../spec/network-shapes.js';
import type { Dialect, ObservationFeature } from '../spec/policy-spec.js';
import { abortableSource } from './abortable-source.js';
import { diffusionPolicyEncoderName, diffusionPolicyEncoderNames, observationEncoderTensor } from './diffusion-policy/encoder-names.js';
import { RobomimicTensors } from './diffusion-policy/encoder-tensors.js';
import { conditioningOrder } from './diffusion-policy/keys.js';
import { diffusionPolicyNormalization, hasDiffusionPolicyNormalizer } from './diffusion-policy/statistics.js';
import { readJsonObject } from './json-object.js';
import { embeddedNormalization } from './lerobot/embedded-statistics.js';
import { checkEncoderTensors, encoderPrefixes, encoderTensorShapes } from './lerobot/encoder-tensors.js';
import { checkLerobotHorizon, type PolicyConfig, readPolicyConfig, widthInFrame } from './lerobot/policy-config.js';
import { hasProcessors, processorNormalization } from './lerobot/processors.js';
import type { ObservationNormalization, PolicyNormalization } from './lerobot/statistics.js';
import {
  diffusionPolicyName,
  diffusionPolicyPrefix,
  diffusionPolicyUnetNames,
  lerobotEncoderName,
  lerobotEncoderNames,
  lerobotUnetName,
  lerobotUnetNames,
  type StoredNames,
  storedNames,
  warnOfUnused,
} from './lerobot/tensor-names.js';
import { checkUnetTensors, unetTensorShapes } from './lerobot/unet-tensors.js';
import { modelFile } from './model-file.js';
import { countWeights, FileTensors } from './named-tensors.js';
import { SafetensorsFile } from './safetensors/safetensors.js';
import { type CheckpointSource, checkSource } from './source.js';
import type { EncoderTensors, LoadOptions, PolicyCheckpoint } from './types.js';

/**
 * Reads a LeRobot diffusion checkpoint (dialects A, B, C) or one with Diffusion Policy's tensor names, and checks all of
 * it but the values of the weights, which are read later, tensor by tensor.
 * Takes ownership of the source: it is closed by the checkpoint's `close`, or at once when loading fails.
 * Throws CheckpointError for what is wrong, UnsupportedCheckpointError for what is right but not supported.
 */
export async function loadPolicyCheckpoint(given: CheckpointSource, options: LoadOptions = {}): Promise<PolicyCheckpoint> {
  checkSource('loadPolicyCheckpoint', 'source', given);
  checkKeys('loadPolicyCheckpoint', options, ['signal']);
  checkSignal('loadPolicyCheckpoint', options.signal);
  const source = abortableSource(given, options.signal);
  try {
    return await load(source, options.signal);
  } catch (error) {
    await source.close();
    throw error;
  }
}

async function load(source: CheckpointSource, signal: AbortSignal | undefined): Promise<PolicyCheckpoint> {
  signal?.throwIfAborted();
  const warnings: string[] = [];
  const files = await source.list();
  const model = await modelFile(source, files);
  const configJson = await readJsonObject(await source.open('config.json'));
  const written = readPolicyConfig(configJson, warnings);
  signal?.throwIfAborted();
  const file = await SafetensorsFile.open(await source.open(model));
  const names = storedNames(file);
  const prefix = diffusionPolicyPrefix(names);
  const dialect = prefix !== undefined ? 'diffusion-policy' : hasProcessors(files) ? 'C' : configJson.has('input_features') ? 'B' : 'A';
  const config = prefix === undefined ? written : { ...written, features: conditioningOrder(written.features) };
  if (dialect !== 'diffusion-policy') checkLerobotHorizon(configJson, config.unet);

  const unetNames = prefix !== undefined ? diffusionPolicyUnetNames(file, names, prefix) : lerobotUnetNames(names);
  const weights = new FileTensors(file, unetNames, (name) =>
    prefix === undefined ? lerobotUnetName(name) : diffusionPolicyName(prefix, name),
  );
  const encoders = prefix === undefined ? readEncoders(file, names, config) : await readRobomimicEncoders(file, names, config);
  checkUnetTensors(weights, config.unet, frameWidths(config));
  signal?.throwIfAborted();
  const { observations: normalization, action } = await readNormalization(dialect, source, files, file, names, config, warnings);
  signal?.throwIfAborted();
  const expected = [...unetTensorShapes(config.unet).keys()];
  const used = new Set(expected.map((name) => unetNames.get(name)!));
  for (const stored of encoders?.stored ?? []) used.add(stored);
  warnOfUnused(file, names, used, warnings);
  const { thresholding, clipSample, clipSampleRange } = config.scheduler;
  if (action.mode === 'mean-std' && (clipSample || thresholding)) {
    const [key, beyond, what] = thresholding ? ['thresholding', 1, 'is scaled back'] : ['clip_sample', clipSampleRange, 'is clipped'];
    warnings.push(
      `${source.name}: actions are normalised by mean and standard deviation while ${key} is true; every ` +
        `action beyond ${beyond} standard deviations ${what}, as in LeRobot.`,
    );
  }
  const counts = [countWeights(weights, expected), ...(encoders ? [countWeights(encoders.weights, encoders.parameters)] : [])];
  return {
    name: source.name,
    dialect,
    unet: config.unet,
    scheduler: config.scheduler,
    observationSteps: config.observationSteps,
    actionSteps: config.actionSteps,
    observations: observationFeatures(config, normalization),
    images: config.images,
    action,
    weights,
    encoders,
    parameters: counts.reduce((sum, { parameters }) => sum + parameters, 0),
    weightBytes: counts.reduce((sum, { bytes }) => sum + bytes, 0),
    warnings: warnings.map(visible),
    assertUnchanged: async () => source.assertUnchanged?.(),
    close: () => source.close(),
  };
}

/** Encoder tensors that were checked. */
interface CheckedEncoders extends EncoderTensors {
  /** What the file calls all that is read. */
  readonly stored: Iterable<string>;
  /** Names of the tensors that training changes. */
  readonly parameters: readonly string[];
}

function readEncoders(file: SafetensorsFile, stored: StoredNames, { images }: PolicyConfig): CheckedEncoders | undefined {
  const names = lerobotEncoderNames(stored);
  if (images === undefined) return noEncoder(file, [...names.values()][0]);
  const { encoder } = images;
  const prefixes = encoderPrefixes(encoder, images.isSeparate);
  const weights = new FileTensors(file, names, lerobotEncoderName);
  checkEncoderTensors(weights, encoder, prefixes);
  const read = encoderTensorNames(encoder, prefixes).map((name) => names.get(name) as string);
  return { weights, prefixes, stored: read, parameters: encoderTensorNames(encoder, prefixes, true) };
}

/** Encoders of Diffusion Policy's hybrid workspaces. */
async function readRobomimicEncoders(
  file: SafetensorsFile,
  stored: StoredNames,
  { features, images }: PolicyConfig,
): Promise<CheckedEncoders | undefined> {
  if (images === undefined) return noEncoder(file, observationEncoderTensor(stored));
  const { encoder } = images;
  const cameras = features.observations.filter(({ sides }) => sides !== undefined);
  const prefixes = encoderPrefixes(encoder, images.isSeparate);
  const found = diffusionPolicyEncoderNames(file, stored, cameras, prefixes);
  const tensors = new FileTensors(file, found.names, (name) => diffusionPolicyEncoderName(cameras, prefixes, name));
  const weights = new RobomimicTensors(tensors);
  checkEncoderTensors(weights, encoder, prefixes);
  for (const prefix of prefixes) await weights.assertTemperature(prefix);
  return { weights, prefixes, stored: found.stored, parameters: encoderTensorNames(encoder, prefixes, true) };
}

function encoderTensorNames(encoder: ImageEncoderShape, prefixes: readonly string[], learned = false): string[] {
  return prefixes.flatMap((prefix) => [...encoderTensorShapes(encoder, learned).keys()].map((name) => prefix + name));
}

/** @throws CheckpointError for a tensor of an image encoder where no feature is an image. */
function noEncoder(file: SafetensorsFile, found: string | undefined): undefined {
  if (found === undefined) return undefined;
  throw new CheckpointError(
    `${file.name}: found the tensor "${found}" of an image encoder, expected none: no input feature in config.json is an image. ` +
      'Use config.json and model.safetensors of one training run.',
  );
}

/** Features of the configuration with what the statistics say of them. */
export function observationFeatures(
  { features, images }: PolicyConfig,
  normalization: readonly ObservationNormalization[],
): ObservationFeature[] {
  return features.observations.map((feature, i): ObservationFeature => {
    const { name, sides, size } = feature;
    const common = { name, size: widthInFrame(feature, images), ...(normalization[i] as ObservationNormalization) };
    if (sides === undefined) return { kind: 'vector', ...common };
    return { kind: 'image', ...common, channels: size, height: sides[0], width: sides[1] };
  });
}

function readNormalization(
  dialect: Dialect,
  source: CheckpointSource,
  files: readonly string[],
  file: SafetensorsFile,
  names: StoredNames,
  { features }: PolicyConfig,
  warnings: string[],
): Promise<PolicyNormalization> {
  if (dialect === 'diffusion-policy' && hasDiffusionPolicyNormalizer(names)) {
    return diffusionPolicyNormalization(file, names, features, warnings);
  }
  return hasProcessors(files)
    ? processorNormalization(source, files, features, warnings)
    : embeddedNormalization(file, names, features, warnings);
}

function frameWidths({ features, images, observationSteps }: PolicyConfig): string {
  const widths = features.observations.map((feature) => `${feature.name} ${widthInFrame(feature, images)}`);
  return `n_obs_steps ${observationSteps} × (${widths.join(' + ')})`;
}
