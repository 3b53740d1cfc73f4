import { CheckpointError } from '../foundation/errors.js';
import { visible } from '../foundation/visible.js';
import type { Dialect, ObservationFeature } from '../spec/policy-spec.js';
import { observationEncoderTensor } from './diffusion-policy/encoder-names.js';
import { conditioningOrder } from './diffusion-policy/keys.js';
import { hasDiffusionPolicyNormalizer } from './diffusion-policy/normalizer-names.js';
import { readJsonObject } from './json-object.js';
import { checkLerobotHorizon, type PolicyConfig, readPolicyConfig, widthInFrame } from './lerobot/policy-config.js';
import { hasProcessors } from './lerobot/processor-files.js';
import type { ObservationNormalization, PolicyNormalization } from './lerobot/statistics.js';
import {
  diffusionPolicyName,
  diffusionPolicyPrefix,
  diffusionPolicyUnetNames,
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
import { openCheckpoint } from './open-checkpoint.js';
import type { CheckedEncoders } from './read-encoders.js';
import { SafetensorsFile } from './safetensors/safetensors.js';
import type { CheckpointSource } from './source.js';
import type { LoadOptions, PolicyCheckpoint } from './types.js';

/**
 * Reads a LeRobot diffusion checkpoint (dialects A, B, C) or one with Diffusion Policy's tensor names, and checks all of
 * it but the values of the weights, which are read later, tensor by tensor.
 * Takes ownership of the source: it is closed by the checkpoint's `close`, or at once when loading fails.
 * Throws CheckpointError for what is wrong, UnsupportedCheckpointError for what is right but not supported.
 */
export async function loadPolicyCheckpoint(given: CheckpointSource, options: LoadOptions = {}): Promise<PolicyCheckpoint> {
  return openCheckpoint('loadPolicyCheckpoint', given, options, load);
}

async function load(source: CheckpointSource, signal: AbortSignal | undefined): Promise<PolicyCheckpoint> {
  signal?.throwIfAborted();
  const warnings: string[] = [];
  const files = await source.list();
  const model = await modelFile(source, files);
  const configJson = await readJsonObject(await source.open('config.json'));
  const written = await readPolicyConfig(configJson, warnings);
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
  const encoders = await encodersOf(file, names, prefix, config);
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

/** The code that reads encoders is loaded where there are images. */
async function encodersOf(
  file: SafetensorsFile,
  stored: StoredNames,
  diffusionPolicy: string | undefined,
  { features, images }: PolicyConfig,
): Promise<CheckedEncoders | undefined> {
  if (images === undefined)
    return noEncoder(file, diffusionPolicy === undefined ? [...lerobotEncoderNames(stored).values()][0] : observationEncoderTensor(stored));
  const { readEncoders, readRobomimicEncoders } = await import('./read-encoders.js');
  if (diffusionPolicy === undefined) return readEncoders(file, stored, images);
  return readRobomimicEncoders(file, stored, features.observations, images);
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

/** Of the readers of the dialects, the one that is needed is loaded. */
async function readNormalization(
  dialect: Dialect,
  source: CheckpointSource,
  files: readonly string[],
  file: SafetensorsFile,
  names: StoredNames,
  { features }: PolicyConfig,
  warnings: string[],
): Promise<PolicyNormalization> {
  if (dialect === 'diffusion-policy' && hasDiffusionPolicyNormalizer(names)) {
    const { diffusionPolicyNormalization } = await import('./diffusion-policy/statistics.js');
    return diffusionPolicyNormalization(file, names, features, warnings);
  }
  if (hasProcessors(files)) {
    const { processorNormalization } = await import('./lerobot/processors.js');
    return processorNormalization(source, files, features, warnings);
  }
  const { embeddedNormalization } = await import('./lerobot/embedded-statistics.js');
  return embeddedNormalization(file, names, features, warnings);
}

function frameWidths({ features, images, observationSteps }: PolicyConfig): string {
  const widths = features.observations.map((feature) => `${feature.name} ${widthInFrame(feature, images)}`);
  return `n_obs_steps ${observationSteps} × (${widths.join(' + ')})`;
}
