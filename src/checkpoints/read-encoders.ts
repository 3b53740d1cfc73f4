import type { ImageEncoderShape } from '../spec/network-shapes.js';
import type { ImageInputs } from '../spec/policy-spec.js';
import { diffusionPolicyEncoderName, diffusionPolicyEncoderNames } from './diffusion-policy/encoder-names.js';
import { RobomimicTensors } from './diffusion-policy/encoder-tensors.js';
import { checkEncoderTensors, encoderPrefixes, encoderTensorShapes } from './lerobot/encoder-tensors.js';
import type { PolicyConfig } from './lerobot/policy-config.js';
import { lerobotEncoderName, lerobotEncoderNames, type StoredNames } from './lerobot/tensor-names.js';
import { FileTensors } from './named-tensors.js';
import { withCheckedVariances } from './running-variances.js';
import type { SafetensorsFile } from './safetensors/safetensors.js';
import type { EncoderTensors } from './types.js';

/** Encoder tensors that were checked. */
export interface CheckedEncoders extends EncoderTensors {
  /** What the file calls all that is read. */
  readonly stored: Iterable<string>;
  /** Names of the tensors that training changes. */
  readonly parameters: readonly string[];
}

/** Encoders by LeRobot's names. */
export function readEncoders(file: SafetensorsFile, stored: StoredNames, images: ImageInputs): CheckedEncoders {
  const names = lerobotEncoderNames(stored);
  const { encoder } = images;
  const prefixes = encoderPrefixes(encoder, images.isSeparate);
  const weights = withCheckedVariances(new FileTensors(file, names, lerobotEncoderName));
  checkEncoderTensors(weights, encoder, prefixes);
  const read = encoderTensorNames(encoder, prefixes).map((name) => names.get(name) as string);
  return { weights, prefixes, stored: read, parameters: encoderTensorNames(encoder, prefixes, true) };
}

/** Encoders of Diffusion Policy's hybrid workspaces. */
export async function readRobomimicEncoders(
  file: SafetensorsFile,
  stored: StoredNames,
  observations: PolicyConfig['features']['observations'],
  images: ImageInputs,
): Promise<CheckedEncoders> {
  const { encoder } = images;
  const cameras = observations.filter(({ sides }) => sides !== undefined);
  const prefixes = encoderPrefixes(encoder, images.isSeparate);
  const found = diffusionPolicyEncoderNames(file, stored, cameras, prefixes);
  const tensors = new FileTensors(file, found.names, (name) => diffusionPolicyEncoderName(cameras, prefixes, name));
  const weights = new RobomimicTensors(tensors);
  checkEncoderTensors(weights, encoder, prefixes);
  for (const prefix of prefixes) await weights.assertTemperature(prefix);
  return {
    weights: withCheckedVariances(weights),
    prefixes,
    stored: found.stored,
    parameters: encoderTensorNames(encoder, prefixes, true),
  };
}

function encoderTensorNames(encoder: ImageEncoderShape, prefixes: readonly string[], learned = false): string[] {
  return prefixes.flatMap((prefix) => [...encoderTensorShapes(encoder, learned).keys()].map((name) => prefix + name));
}
