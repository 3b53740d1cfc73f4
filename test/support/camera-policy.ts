import { encoderPrefixes, encoderTensorShapes } from '../../src/checkpoints/lerobot/encoder-tensors.js';
import { unetTensorShapes } from '../../src/checkpoints/lerobot/unet-tensors.js';
import { MODEL_FILE, MODEL_METADATA, policyFiles, type WrittenPolicy } from '../../src/checkpoints/lerobot/write-policy.js';
import { encodeSafetensors, type WritableTensor } from '../../src/checkpoints/safetensors/safetensors.js';
import { type CheckpointSource, memorySource } from '../../src/checkpoints/source.js';
import type { ImageEncoderShape } from '../../src/spec/network-shapes.js';
import { keypointGrid } from '../../src/training/image-encoder/parameters.js';
import { Normals } from './values.js';

/**
 * A policy with cameras and a crop, in the files that a training writes, with random weights and running statistics, or with zeros where nobody reads
 * them. `change`: values of a tensor by its name without "diffusion.".
 */
export function cameraPolicy(
  name: string,
  written: WrittenPolicy,
  weights: 'random' | 'zeros' = 'random',
  change: (name: string, values: Float32Array) => void = () => {},
): CheckpointSource {
  const { vision, unet } = written;
  if (written.crop === null) throw new Error(`${name} has no crop`);
  const [height, width] = written.crop;
  const encoder: ImageEncoderShape = {
    backbone: vision.backbone,
    norm: vision.norm,
    keypoints: vision.keypoints,
    encoders: vision.isSeparate ? written.inputs.filter(({ shape }) => shape.length === 3).length : 1,
    height,
    width,
  };
  const normals = new Normals(7);
  const values = (tensor: string, shape: readonly number[]): Float32Array => {
    const count = shape.reduce((product, size) => product * size, 1);
    if (weights === 'zeros') return new Float32Array(count);
    if (tensor.endsWith('pos_grid')) return keypointGrid(Math.ceil(height / 32), Math.ceil(width / 32));
    if (tensor.endsWith('running_var')) return normals.floats(count, 0.2).map((value) => 1 + Math.abs(value));
    if (shape.length > 1) return normals.floats(count, Math.sqrt(1 / shape.slice(1).reduce((product, size) => product * size, 1)));
    return normals.floats(count, 0.1).map((value) => (tensor.endsWith('weight') ? 1 + value : value));
  };
  const named = [
    ...encoderPrefixes(encoder, vision.isSeparate).flatMap((prefix) =>
      [...encoderTensorShapes(encoder)].map(([tensor, shape]) => [prefix + tensor, shape] as const),
    ),
    ...[...unetTensorShapes(unet)].map(([tensor, shape]) => [`unet.${tensor}`, shape] as const),
  ];
  const tensors = named.map(([tensor, shape]): WritableTensor => {
    const data = values(tensor, shape);
    change(tensor, data);
    return { name: `diffusion.${tensor}`, dtype: 'F32', shape: [...shape], data };
  });
  return memorySource(name, {
    ...Object.fromEntries(policyFiles(written)),
    [MODEL_FILE]: encodeSafetensors(tensors, { ...MODEL_METADATA }),
  });
}
