import type { Activation } from '../../kernels/lib/activations.wgsl.js';
import { loadConv1d, recordConv1d } from '../../src/ops/conv1d.js';
import type { ComputeDevice } from '../../src/runtime/device.js';
import type { Precision } from '../../src/spec/precision.js';
import { convolution } from './reference.js';
import { runOp, type TensorOrder } from './run-op.js';
import { Normals, type Values } from './values.js';

/** A convolution with random weights and input. What is left out is 1, 0, 'none' or channels first. */
export interface ConvCase {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly inLength: number;
  readonly kernelSize: number;
  readonly stride?: number;
  readonly padding?: number;
  readonly transposed?: boolean;
  readonly batch?: number;
  /** Default true. */
  readonly bias?: boolean;
  readonly residual?: boolean;
  readonly inActivation?: Activation;
  readonly outActivation?: Activation;
  readonly inOrder?: TensorOrder;
  readonly outOrder?: TensorOrder;
}

/** Inputs and weights of a case, the same for the same seed. */
export interface ConvInputs {
  readonly x: Values;
  readonly weight: Float32Array;
  readonly bias: Float32Array;
  readonly residual: Values | undefined;
  readonly outLength: number;
}

export function convInputs(p: ConvCase, seed = 1): ConvInputs {
  const normals = new Normals(seed);
  const { inChannels, outChannels, inLength, kernelSize, stride = 1, padding = 0, batch = 1 } = p;
  const outLength = p.transposed
    ? (inLength - 1) * stride - 2 * padding + kernelSize
    : Math.floor((inLength + 2 * padding - kernelSize) / stride) + 1;
  return {
    x: normals.values(batch, inChannels, inLength),
    // Sums of about unit size, so that one tolerance fits every shape.
    weight: normals.floats(inChannels * outChannels * kernelSize, 1 / Math.sqrt(inChannels * kernelSize)),
    bias: normals.floats(outChannels),
    residual: p.residual ? normals.values(batch, outChannels, outLength) : undefined,
    outLength,
  };
}

/** What the kernels make of the cases, in one submit. */
export async function runConvolutions(
  device: ComputeDevice,
  cases: readonly { readonly shape: ConvCase; readonly inputs: ConvInputs }[],
  precision: Precision = 'f32',
): Promise<Values[]> {
  const results = await runOp(device, async (op) => {
    for (const [index, { shape, inputs }] of cases.entries()) {
      const { inOrder, outOrder, inActivation, outActivation, stride = 1, padding = 0 } = shape;
      const loaded = await loadConv1d(op.loader({ 'conv.weight': inputs.weight, 'conv.bias': inputs.bias }, precision), 'conv', shape);
      recordConv1d(op.builder, shape.bias === false ? { ...loaded, bias: undefined } : loaded, {
        x: op.input(inputs.x, inOrder),
        y: op.output(String(index), inputs.x.batch, shape.outChannels, inputs.outLength, outOrder),
        stride,
        padding,
        ...(inActivation ? { inActivation } : {}),
        ...(outActivation ? { outActivation } : {}),
        // Its layout is its own: here never that of y.
        ...(inputs.residual ? { residual: op.input(inputs.residual, outOrder === 'tokens' ? 'channels-first' : 'tokens') } : {}),
      });
    }
  });
  return cases.map((_, index) => results.values(String(index)));
}

export function expectedConvolution(shape: ConvCase, inputs: ConvInputs): Values {
  return convolution({ ...shape, ...inputs, bias: shape.bias === false ? undefined : inputs.bias });
}

export function describeConv(p: ConvCase): string {
  return JSON.stringify(p);
}
