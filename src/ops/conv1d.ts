import { conv1dKernel } from '../../kernels/conv/conv1d.wgsl.js';
import { type Conv1dParameters, conv1dUniform, turnOf } from '../../kernels/conv/conv1d-shape.js';
import { convOutLength } from '../../kernels/conv/taps.js';
import type { Activation } from '../../kernels/lib/activations.wgsl.js';
import { type ActivationLayout, UNIFORM_INPUT_BYTES } from '../../kernels/lib/kernel.js';
import type { HalfLoads } from '../../kernels/lib/weight-storage.wgsl.js';
import type { DeviceClass } from '../runtime/device-class.js';
import type { Binding, PlanBuilder } from '../runtime/plan-builder.js';
import { sameShape, type Tensor } from '../runtime/tensor.js';
import { convolutionKey } from '../runtime/variant-table.js';

import { chooseHandedInput } from './handed-inputs.js';
import { loadVector } from './load-vector.js';
import { convTransposeView, convView, type MatrixView } from './matrix-view.js';
import { isPartial, type PartialSums, partLayout } from './partial-sums.js';
import { isUnfinished, type Prologue, prologueOf, type Unfinished } from './unfinished.js';
import { chooseConv1dTiling, chooseInputLoads, chooseProductOrder, tileStep } from './variants.js';
import { type DeviceMatrix, uploadMatrix, uploadVector } from './weight-packing.js';
import type { WeightLoader } from './weight-source.js';

/** Weights of a convolution, transposed convolution or linear layer on the device. */
export interface Conv1dWeights extends DeviceMatrix {
  readonly bias: GPUBuffer | undefined;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernelSize: number;
  readonly transposed: boolean;
}

export interface Conv1dLayer {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernelSize: number;
  readonly transposed?: boolean;
}

/** Loads `<name>.weight` and `<name>.bias`: [out][in][tap], transposed [in][out][tap]. */
export async function loadConv1d(loader: WeightLoader, name: string, shape: Conv1dLayer): Promise<Conv1dWeights> {
  const { inChannels, outChannels, kernelSize, transposed = false } = shape;
  const view = (transposed ? convTransposeView : convView)(outChannels, inChannels, kernelSize);
  const matrix = await uploadNamedMatrix(loader, `${name}.weight`, view);
  const bias = await loadVector(loader, `${name}.bias`);
  return { ...matrix, bias, inChannels, outChannels, kernelSize, transposed };
}

/**
 * Loads rows [firstOut, firstOut + outChannels) of the linear layer `<name>_weight` [·][in] and `<name>_bias`, as
 * PyTorch's attention stores its joint projections.
 */
export async function loadLinearRows(
  loader: WeightLoader,
  name: string,
  inChannels: number,
  firstOut: number,
  outChannels: number,
): Promise<Conv1dWeights> {
  const view = { ...convView(outChannels, inChannels, 1), offset: firstOut * inChannels };
  const matrix = await uploadNamedMatrix(loader, `${name}_weight`, view);
  const biases = await loader.source.readFloats(`${name}_bias`);
  const bias = await uploadVector(loader, loader.source.locate(`${name}_bias`), biases.subarray(firstOut, firstOut + outChannels));
  return { ...matrix, bias, inChannels, outChannels, kernelSize: 1, transposed: false };
}

/** Loads the linear layer `<name>.weight` [out][in] and `<name>.bias`. */
export function loadLinear(loader: WeightLoader, name: string, inChannels: number, outChannels: number): Promise<Conv1dWeights> {
  return loadConv1d(loader, name, { inChannels, outChannels, kernelSize: 1 });
}

/** Loads input channels [firstIn, firstIn + count) of the linear layer `<name>.weight` [out][in], whose input is in two places. Without bias. */
export async function loadLinearColumns(
  loader: WeightLoader,
  name: string,
  { inChannels, outChannels }: Pick<Conv1dLayer, 'inChannels' | 'outChannels'>,
  firstIn: number,
  count: number,
): Promise<Conv1dWeights> {
  const view = { ...convView(outChannels, count, 1), offset: firstIn, outputStride: inChannels };
  const matrix = await uploadNamedMatrix(loader, `${name}.weight`, view);
  return { ...matrix, bias: undefined, inChannels: count, outChannels, kernelSize: 1, transposed: false };
}

async function uploadNamedMatrix(loader: WeightLoader, name: string, view: MatrixView): Promise<DeviceMatrix> {
  return uploadMatrix(loader, loader.source.locate(name), await loader.source.readFloats(name), view);
}

export interface Conv1dCall {
  readonly x: Tensor | Unfinished;
  /** Partial sums: without bias, activation and residual, for a reader that finishes them. */
  readonly y: Tensor | PartialSums;
  readonly stride?: number;
  readonly padding?: number;
  readonly inActivation?: Activation;
  readonly outActivation?: Activation;
  /** Added after the activation; same shape as y. */
  readonly residual?: Tensor;
  /** How f16 weights are loaded; `native` only where the device proved it right. Default: as the builder says. */
  readonly halfLoads?: HalfLoads;
}

/** Records y = act(conv(act_in(x)) + bias) + residual. */
export function recordConv1d(builder: PlanBuilder, weights: Conv1dWeights, call: Conv1dCall): void {
  const { y, stride = 1, padding = 0, residual } = call;
  const { inChannels, outChannels, kernelSize, transposed, storage } = weights;
  const { deviceClass } = builder;
  const x = isUnfinished(call.x) ? (call.x.joined ?? call.x.sums) : call.x;
  const expected = convOutLength({ kernelSize, stride, padding, transposed, inLength: x.length });
  if (x.channels !== inChannels || y.channels !== outChannels || y.length !== expected || x.batch !== y.batch) {
    throw new TypeError(
      `conv1d: weights ${inChannels} -> ${outChannels}, output length ${expected}; ` +
        `x is ${x.batch}x${x.channels}x${x.length}, y is ${y.batch}x${y.channels}x${y.length}`,
    );
  }
  const split = isPartial(y) ? y.splits : undefined;
  const plain = call.outActivation === undefined && call.inActivation === undefined && residual === undefined;
  if ((split !== undefined || isUnfinished(call.x)) && !plain)
    throw new TypeError('conv1d: fused inputs and partial sums take no activation and no residual');
  if (residual && !isPartial(y) && !sameShape(residual, y)) throw new TypeError('conv1d: the residual must have the shape of y');
  const geometry = { kernelSize, stride, padding, transposed, inLength: x.length, outLength: y.length };
  const variant = convolutionKey({
    inChannels,
    outChannels,
    kernelSize,
    stride,
    transposed,
    inLength: x.length,
    outLength: y.length,
    storage,
    staged: isUnfinished(call.x),
    splits: split ?? 1,
  });
  const tiling = chooseConv1dTiling(
    { inChannels, outChannels, outLength: y.length, columnMultiple: transposed ? stride : 1 },
    deviceClass,
    builder.variants?.convolutions[variant],
  );
  const step = tileStep({ outLength: y.length, stride, transposed });
  if (isUnfinished(call.x) && step !== undefined && step % 4 !== 0) {
    throw new TypeError(`conv1d: tiles of a staged input begin at multiples of 4 columns, these are ${step} apart`);
  }
  const source = isUnfinished(call.x)
    ? stagedSource(builder, call.x)
    : directSource(call.x, kernelSize === 1 && stride === 1 && padding === 0, step, deviceClass);
  const handed =
    split === undefined && !isUnfinished(call.x)
      ? chooseHandedInput({ geometry, tiling, storage, inChannels, inVector: source.parameters.inVector }, builder)
      : undefined;
  const parameters: Conv1dParameters = {
    geometry,
    tiling,
    storage,
    // Textures hold no halves.
    halfLoads: call.halfLoads ?? (weights.place === 'buffer' ? builder.halfLoads : 'packed'),
    place: weights.place,
    order: chooseProductOrder(weights),
    carried: weights.carried,
    ...source.parameters,
    handed,
    split: split !== undefined,
    ragged: inChannels % turnOf({ storage, ...source.parameters, handed }, kernelSize).channels !== 0,
    bias: weights.bias !== undefined && split === undefined,
    residual: residual !== undefined,
    inActivation: call.inActivation ?? 'none',
    outActivation: call.outActivation ?? 'none',
  };
  const target = isPartial(y) ? partLayout(y) : { layout: y.layout, stride: 0 };
  const shape = conv1dUniform(parameters, {
    inChannels,
    outChannels,
    x: source.layout,
    y: target.layout,
    residual: residual?.layout,
    splits: split,
    splitStride: target.stride,
    stage: source.stage?.sizes,
  });
  const existing = (resource: GPUBuffer | undefined): Binding[] => (resource ? [{ buffer: builder.existing(resource) }] : []);
  builder.dispatch(
    conv1dKernel(parameters),
    [
      builder.shape(shape),
      ...source.bindings,
      { buffer: builder.existing(weights.weight, weights.bytes) },
      ...existing(weights.weightScale),
      ...(parameters.bias ? existing(weights.bias) : []),
      ...(residual ? [{ buffer: residual.buffer }] : []),
      { buffer: y.buffer },
    ],
    [Math.ceil(outChannels / 4 / tiling.lanes), Math.ceil(y.length / tiling.columns) * (split ?? 1), x.batch],
    variant,
  );
  source.stage?.recordProbes();
}

/** Where a convolution takes its input from. */
interface Source {
  readonly parameters: Pick<Conv1dParameters, 'inVector' | 'inSpace' | 'stage'>;
  readonly layout: ActivationLayout;
  readonly bindings: readonly Binding[];
  readonly stage?: Prologue;
}

function directSource(x: Tensor, pointwise: boolean, tileStep: number | undefined, deviceClass: DeviceClass): Source {
  const { layout, length: inLength, channels: inChannels, batch, buffer } = x;
  const loads = chooseInputLoads({ layout, inLength, inChannels, pointwise, tileStep, batch, bufferBytes: buffer.bytes }, deviceClass);
  return {
    parameters: { inVector: loads.vector, inSpace: loads.space },
    layout,
    bindings: [{ buffer, ...(loads.space === 'uniform' ? { bytes: UNIFORM_INPUT_BYTES } : {}) }],
  };
}

function stagedSource(builder: PlanBuilder, input: Unfinished): Source {
  const stage = prologueOf(builder, input);
  return { parameters: { stage: stage.parameters }, layout: partLayout(input.sums).layout, bindings: stage.bindings, stage };
}
