import { convOutLength } from '../../kernels/conv/taps.js';
import { loadConv1d, recordConv1d } from '../ops/conv1d.js';
import type { ComputeDevice } from '../runtime/device.js';
import { PlanBuilder } from '../runtime/plan-builder.js';
import { runOnce } from '../runtime/run-once.js';
import { channelsFirst } from '../runtime/tensor.js';
import { Uploader } from '../runtime/uploader.js';
import { fillValues } from '../synthetic/fill.js';

/** Sizes that are no multiple of a tile, so that the edges are computed too. */
const CONV = { inChannels: 21, outChannels: 37, kernelSize: 5 } as const;
const PADDING = 2;
const LENGTH = 11;
/** Sums of 105 products in f32, in another order than the host's. */
const TOLERANCE = 1e-5;

export interface KnownAnswer {
  readonly kernel: string;
  readonly largestError: number;
  readonly tolerance: number;
  readonly ok: boolean;
}

/** Runs one convolution through the engine and compares it with float64 on the host: does this device compute? */
export async function runKnownAnswer(device: ComputeDevice): Promise<KnownAnswer> {
  const { inChannels, outChannels, kernelSize } = CONV;
  const weight = values(outChannels * inChannels * kernelSize, 1);
  const bias = values(outChannels, 2);
  const input = values(inChannels * LENGTH, 3);
  const output = await convolve(device, { weight, bias }, input);
  let largestError = 0;
  reference(weight, bias, input).forEach((expected, i) => {
    const error = Math.abs((output[i] ?? Number.NaN) - expected);
    // Not Math.max: it would keep a NaN, which no comparison finds again in JSON.
    if (!(error <= largestError)) largestError = Number.isFinite(error) ? error : Number.MAX_VALUE;
  });
  return { kernel: 'conv1d', largestError, tolerance: TOLERANCE, ok: largestError <= TOLERANCE };
}

async function convolve(
  device: ComputeDevice,
  weights: Record<'weight' | 'bias', Float32Array>,
  input: Float32Array,
): Promise<Float32Array> {
  const uploader = new Uploader(device);
  const source = {
    readFloats: async (name: string) => (name.endsWith('weight') ? weights.weight : weights.bias),
    locate: (name: string) => `tensor "${name}" of the known-answer check`,
  };
  try {
    const conv = await loadConv1d({ source, uploader, precision: 'f32' }, 'check', CONV);
    const builder = new PlanBuilder(device);
    const outLength = convOutLength({ kernelSize: CONV.kernelSize, stride: 1, padding: PADDING, transposed: false, inLength: LENGTH });
    builder.segment('check');
    const x = channelsFirst(builder, 'x', 1, CONV.inChannels, LENGTH);
    const y = channelsFirst(builder, 'y', 1, CONV.outChannels, outLength);
    recordConv1d(builder, conv, { x, y, padding: PADDING });
    return new Float32Array(await runOnce(device, builder, 'check', [[x.buffer, new Float32Array(input)]], y.buffer));
  } finally {
    uploader.destroy();
  }
}

/** y[o, t] = bias[o] + Σ_{c,κ} weight[o, c, κ] · x[c, t + κ − padding]. */
function reference(weight: Float32Array, bias: Float32Array, input: Float32Array): Float64Array {
  const { inChannels, outChannels, kernelSize } = CONV;
  const output = new Float64Array(outChannels * LENGTH);
  for (let o = 0; o < outChannels; o++) {
    for (let t = 0; t < LENGTH; t++) {
      let sum = bias[o] as number;
      for (let c = 0; c < inChannels; c++) {
        for (let tap = 0; tap < kernelSize; tap++) {
          const column = t + tap - PADDING;
          if (column < 0 || column >= LENGTH) continue;
          sum += (weight[(o * inChannels + c) * kernelSize + tap] as number) * (input[c * LENGTH + column] as number);
        }
      }
      output[o * LENGTH + t] = sum;
    }
  }
  return output;
}

function values(length: number, seed: number): Float32Array {
  const out = new Float32Array(length);
  fillValues({ kind: 'uniform', bound: 0.5, seed }, 0, out);
  return out;
}
