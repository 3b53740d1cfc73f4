import {
  BACKBONE_CHANNELS,
  type ConvNormShape,
  encoderFeatures,
  encoderStages,
  encoderStem,
  keypointMapSize,
} from '../../src/networks/image-encoder/shape.js';
import type { ComputeDevice } from '../../src/runtime/device.js';
import { PlanBuilder } from '../../src/runtime/plan-builder.js';
import type { ImageEncoderShape } from '../../src/spec/network-shapes.js';
import { ENCODE, loadEmptyEncoder, type PictureChoice, recordEncoderAlone } from '../../src/tuning/empty-encoder.js';
import { type DecisionChoice, type RecordedDecision, SizingUploader } from './network.js';
import { type MatrixWork, matrixOf, WEIGHT_BYTES } from './work.js';

/** The convolutions of the backbone. */
function convolutions(shape: ImageEncoderShape): ConvNormShape[] {
  const blocks = encoderStages(shape).flatMap((stage) => stage.blocks);
  return [encoderStem(shape), ...blocks.flatMap(({ conv1, conv2, downsample }) => [conv1, conv2, ...(downsample ? [downsample] : [])])];
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
  const uploader = new SizingUploader(device, precision);
  try {
    const { shape, encoder } = await loadEmptyEncoder(uploader, { picture, precision });
    const builder = new PlanBuilder(device);
    recordEncoderAlone(builder, shape, encoder, batch);
    return {
      choice,
      builder,
      runs: [{ segment: ENCODE }],
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
