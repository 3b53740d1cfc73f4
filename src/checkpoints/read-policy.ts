import { checkKeys, checkSignal } from '../foundation/options.js';
import type { Dialect } from '../spec/policy-spec.js';
import { diffusionPolicyNormalization, hasDiffusionPolicyNormalizer } from './diffusion-policy/statistics.js';
import { readJsonObject } from './json-object.js';
import { embeddedNormalization } from './lerobot/embedded-statistics.js';
import { type PolicyConfig, readPolicyConfig } from './lerobot/policy-config.js';
import { hasProcessors, processorNormalization } from './lerobot/processors.js';
import type { PolicyNormalization } from './lerobot/statistics.js';
import {
  diffusionPolicyPrefix,
  diffusionPolicyUnetNames,
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
 * Takes ownership of `source`: it is closed by the checkpoint's `close`, or at once when loading fails.
 * Throws CheckpointError for what is wrong, UnsupportedCheckpointError for what is right but not supported.
 */
export async function loadPolicyCheckpoint(source: CheckpointSource, options: LoadOptions = {}): Promise<PolicyCheckpoint> {
  checkSource('loadPolicyCheckpoint', 'source', source);
  checkKeys('loadPolicyCheckpoint', options, ['signal']);
  checkSignal('loadPolicyCheckpoint', options.signal);
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
  const model = modelFile(source.name, files);
  const configJson = await readJsonObject(await source.open('config.json'));
  const config = readPolicyConfig(configJson, warnings);
  signal?.throwIfAborted();
  const file = await SafetensorsFile.open(await source.open(model));
  const names = storedNames(file);
  const prefix = diffusionPolicyPrefix(names);
  const dialect = prefix !== undefined ? 'diffusion-policy' : hasProcessors(files) ? 'C' : configJson.has('input_features') ? 'B' : 'A';

  const unetNames = prefix !== undefined ? diffusionPolicyUnetNames(file, names, prefix) : lerobotUnetNames(file, names);
  const weights = new FileTensors(file, unetNames);
  checkUnetTensors(weights, config.unet, frameWidths(config));
  signal?.throwIfAborted();
  const { observations, action } = await readNormalization(dialect, source, files, file, names, config, warnings);
  signal?.throwIfAborted();
  const expected = [...unetTensorShapes(config.unet).keys()];
  warnOfUnused(file, names, new Set(expected.map((name) => unetNames.get(name)!)), warnings);
  if (action.mode === 'mean-std' && config.scheduler.clipSample) {
    warnings.push(
      `${source.name}: actions are normalised by mean and standard deviation while clip_sample is true; every ` +
        `action beyond ${config.scheduler.clipSampleRange} standard deviations is clipped, as in LeRobot.`,
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
    warnings,
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
    return diffusionPolicyNormalization(file, names, features);
  }
  return hasProcessors(files) ? processorNormalization(source, files, features, warnings) : embeddedNormalization(file, names, features);
}

function frameWidths({ features, observationSteps }: PolicyConfig): string {
  const widths = features.observations.map(({ name, size }) => `${name} ${size}`);
  return `n_obs_steps ${observationSteps} × (${widths.join(' + ')})`;
}
