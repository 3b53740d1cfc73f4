import { UnsupportedCheckpointError } from '../../foundation/errors.js';
import type { ImageInputs } from '../../spec/policy-spec.js';
import { FileTensors } from '../named-tensors.js';
import type { SafetensorsFile } from '../safetensors/safetensors.js';
import type { EncoderTensors } from '../types.js';
import { checkEncoderTensors, encoderPrefixes, encoderTensorShapes } from './encoder-tensors.js';
import { lerobotEncoderName, type StoredNames } from './tensor-names.js';

/** Encoder tensors that were checked. */
export interface CheckedEncoders extends EncoderTensors {
  readonly names: StoredNames;
  /** Names of all tensors that are read. */
  readonly tensors: readonly string[];
  /** Of them, those that training changes. */
  readonly parameters: readonly string[];
}

/** The tensors of a policy's image encoders. `diffusionPolicy`: the prefix of its names, where the file has those of Diffusion Policy. */
export function readEncoders(
  file: SafetensorsFile,
  names: StoredNames,
  diffusionPolicy: string | undefined,
  images: ImageInputs,
): CheckedEncoders {
  if (diffusionPolicy !== undefined) {
    throw new UnsupportedCheckpointError(
      `${file.name}: images together with the tensor names of Diffusion Policy are not supported. Train the policy with LeRobot, or use one ` +
        'that reads no images.',
    );
  }
  const { encoder } = images;
  const prefixes = encoderPrefixes(encoder, images.isSeparate);
  const weights = new FileTensors(file, names, lerobotEncoderName);
  checkEncoderTensors(weights, encoder, prefixes);
  const all = (learned: boolean): string[] =>
    prefixes.flatMap((prefix) => [...encoderTensorShapes(encoder, learned).keys()].map((name) => prefix + name));
  return { weights, prefixes, names, tensors: all(false), parameters: all(true) };
}
