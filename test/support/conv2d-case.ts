import type { Conv2dLayer, UnitOrder } from '../../kernels/conv/conv2d-shape.js';
import { conv2dOutput, recordConv2d, uploadConv2d } from '../../src/ops/conv2d.js';
import type { ComputeDevice } from '../../src/runtime/device.js';
import type { Precision } from '../../src/spec/precision.js';
import { asMap, inputMap, type MapValues, mapOf, outputMap, readMap } from './feature-maps.js';
import { conv2d } from './reference-maps.js';
import { runOp } from './run-op.js';
import { Normals, type Values, valueAt } from './values.js';

/** A 2-D convolution with random weights and input. What is left out is 1 or false. */
export interface Conv2dCase extends Conv2dLayer {
  readonly height: number;
  readonly width: number;
  readonly frames?: number;
  readonly encoders?: number;
  readonly residual?: boolean;
  readonly relu?: boolean;
  /** Of the weights; default tap by tap. */
  readonly order?: UnitOrder;
}

export interface Conv2dInputs {
  readonly x: MapValues;
  readonly weights: readonly Float32Array[];
  readonly biases: readonly Float32Array[];
  readonly residual: MapValues | undefined;
}

export function conv2dInputs(p: Conv2dCase, seed = 1): Conv2dInputs {
  const normals = new Normals(seed);
  const { inChannels, outChannels, kernelSize, height, width, frames = 1, encoders = 1 } = p;
  const [outHeight, outWidth] = [conv2dOutput(p, height), conv2dOutput(p, width)];
  const fanIn = inChannels * kernelSize ** 2;
  return {
    x: asMap(normals.values(frames * encoders, inChannels, height * width), height, width),
    weights: Array.from({ length: encoders }, () => normals.floats(outChannels * fanIn, 1 / Math.sqrt(fanIn))),
    biases: Array.from({ length: encoders }, () => normals.floats(outChannels)),
    residual: p.residual ? asMap(normals.values(frames * encoders, outChannels, outHeight * outWidth), outHeight, outWidth) : undefined,
  };
}

export async function runConv2d(
  device: ComputeDevice,
  p: Conv2dCase,
  inputs: Conv2dInputs,
  precision: Precision = 'f32',
): Promise<MapValues> {
  const shape = {
    batch: inputs.x.batch,
    channels: p.outChannels,
    height: conv2dOutput(p, p.height),
    width: conv2dOutput(p, p.width),
  };
  const results = await runOp(device, async (op) => {
    const values = inputs.weights.map((weight, encoder) => ({ weight, bias: inputs.biases[encoder] }));
    const weights = await uploadConv2d(op.loader({}, precision), 'conv', p, values, p.order);
    recordConv2d(op.builder, weights, {
      x: inputMap(op, inputs.x),
      y: outputMap(op, 'y', shape),
      residual: inputs.residual && inputMap(op, inputs.residual),
      relu: p.relu,
    });
  });
  return readMap(results, 'y', shape);
}

export function sampleMap(x: MapValues, b: number): MapValues {
  return mapOf({ ...x, batch: 1 }, (_, c, row, column) => valueAt(x, b, c, row * x.width + column));
}

export function expectedConv2d(p: Conv2dCase, { x, weights, biases, residual }: Conv2dInputs): Values {
  const { frames = 1 } = p;
  const samples = Array.from({ length: x.batch }, (_, b) => {
    const encoder = Math.floor(b / frames);
    return conv2d(sampleMap(x, b), p, weights[encoder] as Float32Array, biases[encoder]);
  });
  const { height, width } = samples[0] as MapValues;
  return mapOf({ batch: x.batch, channels: p.outChannels, height, width }, (b, c, row, column) => {
    const at = row * width + column;
    const sum = valueAt(samples[b] as MapValues, 0, c, at) + (residual ? valueAt(residual, b, c, at) : 0);
    return p.relu ? Math.max(sum, 0) : sum;
  });
}
