import { encoderTensorShapes } from '../checkpoints/lerobot/encoder-tensors.js';
import { type ImageEncoder, loadImageEncoder } from '../networks/image-encoder/load.js';
import { recordImageEncoder } from '../networks/image-encoder/record.js';
import { encoderFeatures } from '../networks/image-encoder/shape.js';
import { featureMap } from '../runtime/feature-map.js';
import type { PlanBuilder } from '../runtime/plan-builder.js';
import { tokens } from '../runtime/tensor.js';
import type { Uploader } from '../runtime/uploader.js';
import type { ImageEncoderShape } from '../spec/network-shapes.js';
import type { Precision } from '../spec/precision.js';

/** Pictures that an encoder is measured with, and how it normalises. */
export interface PictureChoice {
  readonly height: number;
  readonly width: number;
  readonly norm: ImageEncoderShape['norm'];
}

/** The segment of its plan. */
export const ENCODE = 'encode';

/** A ResNet-18 with 32 keypoints: what LeRobot trains. */
export function emptyEncoderShape({ height, width, norm }: PictureChoice): ImageEncoderShape {
  return { backbone: 'resnet18', norm, keypoints: 32, encoders: 1, height, width };
}

/** An encoder of the right sizes and without contents: recording depends on sizes alone. What `uploader` allocates is the caller's. */
export async function loadEmptyEncoder(
  uploader: Uploader,
  { picture, precision }: { readonly picture: PictureChoice; readonly precision: Precision },
): Promise<{ readonly shape: ImageEncoderShape; readonly encoder: ImageEncoder }> {
  const shape = emptyEncoderShape(picture);
  const shapes = encoderTensorShapes(shape);
  const source = {
    readFloats: async (name: string): Promise<Float32Array> =>
      new Float32Array((shapes.get(name) ?? [0]).reduce((product, size) => product * size, 1)),
    locate: (name: string): string => name,
  };
  return { shape, encoder: await loadImageEncoder({ source, uploader, precision }, shape, ['']) };
}

/** Records the encoder for `pictures` prepared pictures of one camera, in segment `ENCODE`. */
export function recordEmptyEncoder(builder: PlanBuilder, shape: ImageEncoderShape, encoder: ImageEncoder, pictures: number): void {
  builder.segment(ENCODE);
  const x = featureMap(builder, 'pictures', { batch: pictures, channels: 3, height: shape.height, width: shape.width });
  recordImageEncoder(builder, encoder, 1, x, tokens(builder, 'features', pictures, 1, encoderFeatures(shape)));
}
