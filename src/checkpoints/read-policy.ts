import { checkKeys, checkSignal } from '../foundation/options.js';
import { visible } from '../foundation/visible.js';
import type { Dialect } from '../spec/policy-spec.js';
import { abortableSource } from './abortable-source.js';
import { diffusionPolicyNormalization, hasDiffusionPolicyNormalizer } from './diffusion-policy/statistics.js';
import { readJsonObject } from './json-object.js';
import { embeddedNormalization } from './lerobot/embedded-statistics.js';
import { checkLerobotHorizon, type PolicyConfig, readPolicyConfig } from './lerobot/policy-config.js';
import { hasProcessors, processorNormalization } from './lerobot/processors.js';
import type { PolicyNormalization } from './lerobot/statistics.js';
import {
  diffusionPolicyName,
  diffusionPolicyPrefix,
  diffusionPolicyUnetNames,
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
import type { LoadOptions, PolicyCheckpoint } from './types.js';

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
  const config = readPolicyConfig(configJson, warnings);
  signal?.throwIfAborted();
  const file = await SafetensorsFile.open(await source.open(model));
  const names = storedNames(file);
  const prefix = diffusionPolicyPrefix(names);
  const dialect = prefix !== undefined ? 'diffusion-policy' : hasProcessors(files) ? 'C' : configJson.has('input_features') ? 'B' : 'A';
  if (dialect !== 'diffusion-policy') checkLerobotHorizon(configJson, config.unet);

  const unetNames = prefix !== undefined ? diffusionPolicyUnetNames(file, names, prefix) : lerobotUnetNames(file, names);
  const weights = new FileTensors(file, unetNames, (name) =>
    prefix === undefined ? lerobotUnetName(name) : diffusionPolicyName(prefix, name),
  );
  checkUnetTensors(weights, config.unet, frameWidths(config));
  signal?.throwIfAborted();
  const { observations, action } = await readNormalization(dialect, source, files, file, names, config, warnings);
  signal?.throwIfAborted();
  const expected = [...unetTensorShapes(config.unet).keys()];
  warnOfUnused(file, names, new Set(expected.map((name) => unetNames.get(name)!)), warnings);
  const { thresholding, clipSample, clipSampleRange } = config.scheduler;
  if (action.mode === 'mean-std' && (clipSample || thresholding)) {
    const [key, beyond, what] = thresholding ? ['thresholding', 1, 'is scaled back'] : ['clip_sample', clipSampleRange, 'is clipped'];
    warnings.push(
      `${source.name}: actions are normalised by mean and standard deviation while ${key} is true; every ` +
        `action beyond ${beyond} standard deviations ${what}, as in LeRobot.`,
    );
  }
  const { parameters, bytes } = countWeights(weights, expected);
  return {
    name: source.name,
    dialect,
    unet: config.unet,
    scheduler: config.scheduler,
    observationSteps: config.observationSteps,
    actionSteps: config.actionSteps,
    observations,
    action,
    weights,
    parameters,
    weightBytes: bytes,
    warnings: warnings.map(visible),
    assertUnchanged: async () => source.assertUnchanged?.(),
    close: () => source.close(),
  };
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

function frameWidths({ features, observationSteps }: PolicyConfig): string {
  const widths = features.observations.map(({ name, size }) => `${name} ${size}`);
  return `n_obs_steps ${observationSteps} × (${widths.join(' + ')})`;
}
