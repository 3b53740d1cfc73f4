import { encoderTensorShapes } from '../../checkpoints/lerobot/encoder-tensors.js';
import { OptionError } from '../../foundation/errors.js';
import { backboneChannels, type ConvNormShape, encoderFeatures, encoderStages, encoderStem } from '../../networks/image-encoder/shape.js';
import type { ImageEncoderShape } from '../../spec/network-shapes.js';
import type { RunningNorm } from '../plan/running-statistics.js';
import type { ParameterInfo } from '../training-step.js';
import type { ParameterRequests } from '../unet/parameters.js';

/** What LeRobot's state dict calls the network that encoders belong to. */
export const POLICY_PREFIX = 'diffusion.';

/** Parameters of an encoder in the order of LeRobot's state dict. `prefix`: e.g. `rgb_encoder.`. */
export function imageEncoderParameters(shape: ImageEncoderShape, prefix: string): ParameterInfo[] {
  return [...encoderTensorShapes(shape, true)].map(([name, sizes]) => ({ name: POLICY_PREFIX + prefix + name, shape: sizes }));
}

/** Every convolution of the backbone with its norm. */
export function encoderUnits(shape: ImageEncoderShape): ConvNormShape[] {
  const blocks = encoderStages(shape).flatMap((stage) => stage.blocks);
  return [
    encoderStem(shape),
    ...blocks.flatMap(({ conv1, conv2, conv3, downsample }) => [conv1, conv2, conv3, downsample].filter((unit) => unit !== undefined)),
  ];
}

/** Batch norms of an encoder, in the order of the state dict; none of one with group norms. */
export function encoderRunningNorms(shape: ImageEncoderShape, prefix: string): RunningNorm[] {
  if (shape.norm !== 'batch') return [];
  return encoderUnits(shape).map(({ norm, layer }) => ({ name: POLICY_PREFIX + prefix + norm, channels: layer.outChannels }));
}

/**
 * Adds what an encoder asks of the layout of its parameters: matrices, and scale and shift of norms, by their names with the prefix.
 * @throws OptionError for an encoder that cannot be trained.
 */
export function addEncoderRequests(requests: ParameterRequests, shape: ImageEncoderShape, prefix: string): void {
  if (shape.keypoints % 2 !== 0) {
    throw new OptionError(`spatial_softmax_num_keypoints: training needs an even number, found ${shape.keypoints}: choose an even number.`);
  }
  const tensor = (name: string): string => POLICY_PREFIX + prefix + name;
  const matrix = (name: string, taps: number, inChannels: number, outChannels: number): void => {
    const order = taps === 1 ? ('out-in' as const) : ('out-in-tap' as const);
    requests.matrices.push({ key: prefix + name, taps, inChannels, tensors: [{ name: tensor(`${name}.weight`), outChannels, order }] });
  };
  const vectors = (name: string, channels: number, parts: readonly string[]): void => {
    const named = parts.map((part) => [{ name: tensor(`${name}.${part}`), channels }]);
    requests.vectors.push({ key: prefix + name, channels, vectors: named });
  };
  for (const { conv, norm, layer } of encoderUnits(shape)) {
    matrix(conv, layer.kernelSize ** 2, layer.inChannels, layer.outChannels);
    vectors(norm, layer.outChannels, ['weight', 'bias']);
  }
  const width = encoderFeatures(shape);
  matrix('pool.nets', 1, backboneChannels(shape), shape.keypoints);
  vectors('pool.nets', shape.keypoints, ['bias']);
  matrix('out', 1, width, width);
  vectors('out', width, ['bias']);
}

/** Positions of keypoint maps, f32 [height · width][x, y] from −1 to 1, as the reference makes them. */
export function keypointGrid(height: number, width: number): Float32Array<ArrayBuffer> {
  const at = (index: number, count: number): number => (count === 1 ? -1 : -1 + (2 * index) / (count - 1));
  const grid = new Float32Array(2 * height * width);
  for (let place = 0; place < height * width; place++) {
    grid[2 * place] = at(place % width, width);
    grid[2 * place + 1] = at(Math.floor(place / width), height);
  }
  return grid;
}
