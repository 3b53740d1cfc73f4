import { encoderPrefixes, encoderTensorShapes } from '../../src/checkpoints/lerobot/encoder-tensors.js';
import { unetTensorShapes } from '../../src/checkpoints/lerobot/unet-tensors.js';
import { DEFAULT_NORMALIZATION, MODEL_FILE, policyFiles, type WrittenPolicy } from '../../src/checkpoints/lerobot/write-policy.js';
import { encodeSafetensors, type WritableTensor } from '../../src/checkpoints/safetensors/safetensors.js';
import { type CheckpointSource, memorySource } from '../../src/checkpoints/source.js';
import type { ImageEncoderShape } from '../../src/spec/network-shapes.js';
import { keypointGrid } from '../../src/training/image-encoder/parameters.js';
import { CAMERAS, FRAME } from './image-policy.js';
import { tinyDescription } from './tiny-training.js';
import { Normals } from './values.js';

const KEYPOINTS = 32;
const CROP = [33, 40] as const;
const MEAN_STD = { min: [0, 0, 0], max: [1, 1, 1], mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
const VECTOR = { min: [-1, -1], max: [1, 1], mean: [0, 0], std: [1, 1] };

/** What such a policy says: LeRobot's default of 2026, batch norm and an encoder for each camera, over the pictures of `pictureDataset`. */
export function batchNormDescription(): WrittenPolicy {
  const inputs = [
    { name: 'observation.state', shape: [2], statistics: VECTOR },
    ...CAMERAS.map((name) => ({ name, shape: [3, FRAME.height, FRAME.width], statistics: MEAN_STD })),
  ];
  return tinyDescription(
    { inputs, action: { name: 'action', shape: [2], statistics: VECTOR }, conditioningDim: 2 * (2 + 2 * 2 * KEYPOINTS) },
    {
      crop: CROP,
      vision: { backbone: 'resnet18', norm: 'batch', keypoints: KEYPOINTS, isSeparate: true, resize: null },
      normalization: { ...DEFAULT_NORMALIZATION, STATE: 'MEAN_STD' },
    },
  );
}

/**
 * Such a policy with random weights and running statistics; they are 22 million, and zeros where nobody reads them. `change`: values of a tensor by its name
 * without "diffusion.".
 */
export function batchNormPolicy(
  written = batchNormDescription(),
  weights: 'random' | 'zeros' = 'random',
  change: (name: string, values: Float32Array) => void = () => {},
): CheckpointSource {
  const { vision, unet } = written;
  const [height, width] = CROP;
  const encoder: ImageEncoderShape = {
    backbone: vision.backbone,
    norm: vision.norm,
    keypoints: vision.keypoints,
    encoders: vision.isSeparate ? CAMERAS.length : 1,
    height,
    width,
  };
  const normals = new Normals(7);
  const values = (name: string, shape: readonly number[]): Float32Array => {
    const count = shape.reduce((product, size) => product * size, 1);
    if (weights === 'zeros') return new Float32Array(count);
    if (name.endsWith('pos_grid')) return keypointGrid(Math.ceil(height / 32), Math.ceil(width / 32));
    if (name.endsWith('running_var')) return normals.floats(count, 0.2).map((value) => 1 + Math.abs(value));
    if (shape.length > 1) return normals.floats(count, Math.sqrt(1 / shape.slice(1).reduce((product, size) => product * size, 1)));
    return normals.floats(count, 0.1).map((value) => (name.endsWith('weight') ? 1 + value : value));
  };
  const named = [
    ...encoderPrefixes(encoder, vision.isSeparate).flatMap((prefix) =>
      [...encoderTensorShapes(encoder)].map(([name, shape]) => [prefix + name, shape] as const),
    ),
    ...[...unetTensorShapes(unet)].map(([name, shape]) => [`unet.${name}`, shape] as const),
  ];
  const tensors = named.map(([name, shape]): WritableTensor => {
    const data = values(name, shape);
    change(name, data);
    return { name: `diffusion.${name}`, dtype: 'F32', shape: [...shape], data };
  });
  return memorySource('batch-norm policy', { ...Object.fromEntries(policyFiles(written)), [MODEL_FILE]: encodeSafetensors(tensors) });
}
