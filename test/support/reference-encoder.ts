import { encoderStages, encoderStem } from '../../src/networks/image-encoder/shape.js';
import { cropOffset } from '../../src/ops/frames.js';
import { asMap, type MapValues, mapOf } from './feature-maps.js';
import { ENCODER, encoderTensor, FRAME, STATISTICS } from './image-policy.js';
import { conv2d, groupNorm, maxPool, spatialSoftmax } from './reference-maps.js';

/** The features that the encoder of the test policy makes of a camera's frame, bytes [height][width][3], in float64. */
export function referenceFeatures(camera: number, bytes: Uint8Array): number[] {
  const { mean, std } = STATISTICS[camera] as (typeof STATISTICS)[number];
  const [top, left] = [cropOffset(FRAME.height, ENCODER.height), cropOffset(FRAME.width, ENCODER.width)];
  const picture = mapOf({ batch: 1, channels: 3, height: ENCODER.height, width: ENCODER.width }, (_, c, row, column) => {
    const value = bytes[((row + top) * FRAME.width + column + left) * 3 + c] as number;
    return (value / 255 - (mean[c] as number)) / (std[c] as number);
  });
  let x = maxPool(relu(convNorm(picture, encoderStem(ENCODER))));
  for (const { blocks } of encoderStages(ENCODER)) {
    for (const { conv1, conv2, downsample } of blocks) {
      const inner = convNorm(relu(convNorm(x, conv1)), conv2);
      x = relu(sum(inner, downsample ? convNorm(x, downsample) : x));
    }
  }
  const nets = { inChannels: x.channels, outChannels: ENCODER.keypoints, kernelSize: 1, stride: 1, padding: 0 };
  const maps = conv2d(x, nets, encoderTensor('pool.nets.weight'), encoderTensor('pool.nets.bias'));
  const points = spatialSoftmax(maps, encoderTensor('pool.pos_grid')).data;
  const [weight, bias] = [encoderTensor('out.weight'), encoderTensor('out.bias')];
  return Array.from(bias, (value, o) =>
    Math.max(
      0,
      points.reduce((total, point, i) => total + point * (weight[o * points.length + i] as number), value),
    ),
  );
}

function convNorm(x: MapValues, { conv, norm, layer }: Pick<ReturnType<typeof encoderStem>, 'conv' | 'norm' | 'layer'>): MapValues {
  const y = conv2d(x, layer, encoderTensor(`${conv}.weight`));
  return groupNorm(y, layer.outChannels / 16, encoderTensor(`${norm}.weight`), encoderTensor(`${norm}.bias`));
}

function relu(x: MapValues): MapValues {
  return asMap({ ...x, data: x.data.map((value) => Math.max(0, value)) }, x.height, x.width);
}

function sum(a: MapValues, b: MapValues): MapValues {
  return asMap({ ...a, data: a.data.map((value, i) => value + (b.data[i] as number)) }, a.height, a.width);
}
