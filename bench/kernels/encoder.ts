import { loadImageEncoder } from '../../src/networks/image-encoder/load.js';
import { recordImageEncoder } from '../../src/networks/image-encoder/record.js';
import {
  BACKBONE_CHANNELS,
  type ConvNormShape,
  encoderFeatures,
  encoderStages,
  encoderStem,
  keypointMapSize,
} from '../../src/networks/image-encoder/shape.js';
import type { ComputeDevice } from '../../src/runtime/device.js';
import { featureMap } from '../../src/runtime/feature-map.js';
import { PlanBuilder } from '../../src/runtime/plan-builder.js';
import { tokens } from '../../src/runtime/tensor.js';
import type { ImageEncoderShape } from '../../src/spec/network-shapes.js';
import { type DecisionChoice, type RecordedDecision, SizingUploader } from './network.js';
import { type MatrixWork, matrixOf, WEIGHT_BYTES } from './work.js';

/** Pictures that an encoder is measured with, and how it normalises. */
export interface PictureChoice {
  readonly height: number;
  readonly width: number;
  readonly norm: ImageEncoderShape['norm'];
}

/** A ResNet-18 with 32 keypoints: what LeRobot trains. */
function encoderOf({ height, width, norm }: PictureChoice): ImageEncoderShape {
  return { backbone: 'resnet18', norm, keypoints: 32, encoders: 1, height, width };
}

/** The convolutions of the backbone. */
function convolutions(shape: ImageEncoderShape): ConvNormShape[] {
  const blocks = encoderStages(shape).flatMap((stage) => stage.blocks);
  return [encoderStem(shape), ...blocks.flatMap(({ conv1, conv2, downsample }) => [conv1, conv2, ...(downsample ? [downsample] : [])])];
}

/** Values of each tensor, by its name. */
function tensorSizes(shape: ImageEncoderShape): Map<string, number> {
  const [rows, columns] = keypointMapSize(shape);
  const features = encoderFeatures(shape);
  const sizes = new Map<string, number>([
    ['pool.nets.weight', shape.keypoints * BACKBONE_CHANNELS],
    ['pool.nets.bias', shape.keypoints],
    ['pool.pos_grid', rows * columns * 2],
    ['out.weight', features * features],
    ['out.bias', features],
  ]);
  for (const { conv, norm, layer } of convolutions(shape)) {
    sizes.set(`${conv}.weight`, layer.outChannels * layer.inChannels * layer.kernelSize ** 2);
    for (const part of ['weight', 'bias', 'running_mean', 'running_var']) sizes.set(`${norm}.${part}`, layer.outChannels);
  }
  return sizes;
}

/** What an encoder has to compute, by the labels that its matrices are uploaded with. */
function encoderWork(shape: ImageEncoderShape): RecordedDecision['work'] {
  const [rows, columns] = keypointMapSize(shape);
  const features = encoderFeatures(shape);
  const matrices = new Map<string, MatrixWork>([
    ['pool.nets', matrixOf([shape.keypoints, BACKBONE_CHANNELS], rows * columns)],
    ['out.weight', matrixOf([features, features], 1)],
    ...convolutions(shape).map(({ conv, layer, height, width }): [string, MatrixWork] => [
      conv,
      matrixOf([layer.outChannels, layer.inChannels, layer.kernelSize ** 2], height * width),
    ]),
  ]);
  return {
    matrix: (label, bytes, precision) => {
      const whole = matrices.get(label);
      return whole && { ...whole, elements: Math.min(whole.elements, bytes / WEIGHT_BYTES[precision]) };
    },
  };
}

/** Records the encoder of a policy with one camera, for `batch` prepared pictures. */
export async function recordSyntheticEncoder(
  device: ComputeDevice,
  choice: DecisionChoice & { readonly picture: PictureChoice },
): Promise<RecordedDecision> {
  const { precision, batch, picture } = choice;
  const shape = encoderOf(picture);
  const sizes = tensorSizes(shape);
  const uploader = new SizingUploader(device, precision);
  try {
    const source = {
      readFloats: async (name: string) => new Float32Array(sizes.get(name) ?? 0),
      locate: (name: string) => name,
    };
    const encoder = await loadImageEncoder({ source, uploader, precision }, shape, ['']);
    const builder = new PlanBuilder(device);
    builder.segment('encode');
    const x = featureMap(builder, 'pictures', { batch, channels: 3, height: picture.height, width: picture.width });
    recordImageEncoder(builder, encoder, 1, x, tokens(builder, 'features', batch, 1, encoderFeatures(shape)));
    return {
      choice,
      builder,
      runs: [{ segment: 'encode' }],
      work: encoderWork(shape),
      sizes: uploader.sizes,
      filmBlocks: 1,
      destroy: () => uploader.destroy(),
    };
  } catch (error) {
    uploader.destroy();
    throw error;
  }
}
