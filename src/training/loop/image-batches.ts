import { OptionError } from '../../foundation/errors.js';
import type { Sides } from '../../spec/policy-spec.js';
import type { ImagePolicyBatch } from '../image-policy/batch.js';
import { uniforms } from './draws.js';
import { rowsOf } from './frames.js';
import { chosenAnchors } from './predictor-batches.js';
import type { BatchSource } from './run-training.js';
import { type UNetBatchOptions, type UNetDraws, unetBatch, type WindowsSpec } from './unet-batches.js';

/** What of the pictures of a data set a policy looks at. */
export interface Cameras {
  /** In the order of the conditioning vector. */
  readonly names: readonly string[];
  readonly frame: Sides;
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
  const rows = rowsOf(dataset, anchors, 1 - observationSteps, observationSteps);
  const [height, width] = cameras.frame;
  const size = height * width * 3;
  const pictures: Uint8Array[] = [];
  for (const name of cameras.names) {
    const all = new Uint8Array(batchSize * observationSteps * size);
    for (const [at, row] of rows.entries()) {
      const picture = await dataset.readPicture(name, row);
      if (picture.height !== height || picture.width !== width) {
        throw new OptionError(
          `"${name}" of ${dataset.name}, row ${row}: expected a picture of ${height}×${width}, found ${picture.height}×${picture.width}. Write the ` +
            'data set anew with pictures of one size.',
        );
      }
      all.set(picture.data, at * size);
    }
    pictures.push(all);
  }
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
