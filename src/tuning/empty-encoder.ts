import { encoderTensorShapes } from '../checkpoints/lerobot/encoder-tensors.js';
import { type ImageEncoder, loadImageEncoder } from '../networks/image-encoder/load.js';
import { recordImageEncoder } from '../networks/image-encoder/record.js';
import { encoderFeatures } from '../networks/image-encoder/shape.js';
import { type FeatureMap, featureMap } from '../runtime/feature-map.js';
import type { PlanBuilder } from '../runtime/plan-builder.js';
import { type Tensor, tokens } from '../runtime/tensor.js';
import type { Uploader } from '../runtime/uploader.js';
import type { ImageEncoderShape } from '../spec/network-shapes.js';
import type { Precision } from '../spec/precision.js';
import { syntheticEncoderShape } from '../synthetic/checkpoint.js';

/** Pictures that an encoder is measured with, and how it normalises. */
export interface PictureChoice {
  readonly height: number;
  readonly width: number;
  readonly norm: ImageEncoderShape['norm'];
}

/** The segment of its plan. */
export const ENCODE = 'encode';

/** An encoder of the right sizes and without contents: recording depends on sizes alone. What `uploader` allocates is the caller's. */
export async function loadEmptyEncoder(
  uploader: Uploader,
  { picture, precision }: { readonly picture: PictureChoice; readonly precision: Precision },
): Promise<{ readonly shape: ImageEncoderShape; readonly encoder: ImageEncoder }> {
  const shape = syntheticEncoderShape(picture);
  const shapes = encoderTensorShapes(shape);
  const source = {
    readFloats: async (name: string): Promise<Float32Array> =>
      new Float32Array((shapes.get(name) ?? [0]).reduce((product, size) => product * size, 1)),
    locate: (name: string): string => name,
  };
  return { shape, encoder: await loadImageEncoder({ source, uploader, precision }, shape, ['']) };
}

/** Records an encoder for `pictures` prepared pictures of one camera, in segment `ENCODE`. Returns what it reads and writes. */
export function recordEncoderAlone(
  builder: PlanBuilder,
  shape: ImageEncoderShape,
  encoder: ImageEncoder,
  pictures: number,
): { readonly x: FeatureMap; readonly features: Tensor } {
  builder.segment(ENCODE);
  const x = featureMap(builder, 'pictures', { batch: pictures, channels: 3, height: shape.height, width: shape.width });
  const features = tokens(builder, 'features', pictures, 1, encoderFeatures(shape));
  recordImageEncoder(builder, encoder, 1, x, features);
  return { x, features };
}
