import { DEFAULT_NORMALIZATION, type WrittenPolicy } from '../../src/checkpoints/lerobot/write-policy.js';
import type { CheckpointSource } from '../../src/checkpoints/source.js';
import { cameraPolicy } from './camera-policy.js';
import { CAMERAS, FRAME } from './image-policy.js';
import { tinyDescription } from './tiny-training.js';

const KEYPOINTS = 32;
const CROP = [33, 40] as const;
/** Of pictures: ImageNet's, as LeRobot has them. */
export const MEAN_STD = { min: [0, 0, 0], max: [1, 1, 1], mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
export const VECTOR = { min: [-1, -1], max: [1, 1], mean: [0, 0], std: [1, 1] };

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
  return cameraPolicy('batch-norm policy', written, weights, change);
}
