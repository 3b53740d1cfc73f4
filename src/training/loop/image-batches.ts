import type { Sides } from '../../spec/policy-spec.js';
import type { ImagePolicyBatch } from '../image-policy/batch.js';
import { uniforms } from './draws.js';
import { type PicturedCameras, readPictures } from './pictures.js';
import { chosenAnchors } from './predictor-batches.js';
import type { BatchSource } from './run-training.js';
import { type UNetBatchOptions, type UNetDraws, unetBatch, type WindowsSpec } from './unet-batches.js';

/** What of the pictures of a data set a policy looks at. */
export interface Cameras extends PicturedCameras {
  readonly crop: Sides | undefined;
  /** Whether all pictures of a batch are cropped at one place. */
  readonly isOnePlace: boolean;
  /** Whether every camera has an encoder of its own, and so a place of its own. */
  readonly isSeparate: boolean;
}

/**
 * A batch of windows with their pictures, cropped by draws of (seed, step): LeRobot's one place for all, top in 0 … H − h with both ends; or Diffusion
 * Policy's ⌊u · (H − h)⌋ for each picture, which never is the last place. A validation batch is cropped in the middle.
 */
export async function imageBatch(
  spec: WindowsSpec,
  cameras: Cameras,
  anchors: Int32Array,
  batchSize: number,
  draws: UNetDraws,
): Promise<ImagePolicyBatch> {
  const { conditioning, ...rest } = await unetBatch(spec, anchors, batchSize, draws);
  const { dataset, observationSteps } = spec;
  const pictures = await readPictures(dataset, cameras, anchors, observationSteps, batchSize);
  return { ...rest, vectors: conditioning, pictures, crops: cropsOf(cameras, batchSize * observationSteps, draws) };
}

/** Batches of the training of a policy with cameras. */
export function imageBatches(
  spec: WindowsSpec,
  cameras: Cameras,
  { anchors, batchSize, seed }: UNetBatchOptions,
): BatchSource<ImagePolicyBatch> {
  const chosen = chosenAnchors(anchors, seed);
  return {
    rows: anchors.length,
    batch: (request) => imageBatch(spec, cameras, chosen(request), batchSize, { seed, step: request.batch, noise: 'noise' }),
  };
}

function cropsOf(
  { names, frame, crop, isOnePlace, isSeparate }: Cameras,
  count: number,
  { seed, step, noise }: UNetDraws,
): Int32Array[] | null {
  if (!crop || noise === 'validationNoise') return null;
  const room = [frame[0] - crop[0], frame[1] - crop[1]] as const;
  return names.map((_, camera) => {
    // An encoder that is shared has one place.
    const values = uniforms(2 * count, { seed, purpose: 'crop', step, part: isOnePlace && !isSeparate ? 0 : camera });
    return Int32Array.from({ length: 2 * count }, (__, i) => {
      const most = room[(i % 2) as 0 | 1];
      return isOnePlace ? Math.floor((values[i % 2] as number) * (most + 1)) : Math.floor((values[i] as number) * most);
    });
  });
}
