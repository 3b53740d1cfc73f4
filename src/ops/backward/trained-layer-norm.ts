import {
  layerNormGradientKernel,
  layerNormKeptKernel,
  layerNormParametersKernel,
} from '../../../kernels/backward/trained-layer-norm.wgsl.js';
import { alignUp } from '../../runtime/buffers.js';
import type { BufferHandle, PlanBuilder } from '../../runtime/plan-builder.js';
import type { Rows } from '../../runtime/rows.js';
import { sameShape, type Tensor } from '../../runtime/tensor.js';
import { folded, INVOCATIONS } from '../grid.js';
import { EPSILON } from '../norm.js';
import { reductionInvocations } from '../variants.js';
import type { TrainedVectors } from './trained-weights.js';
import { recordVectorGradient } from './weight-gradient.js';
import { assertWhole } from './whole.js';

/** Rows that an invocation adds up before blocks are added up. */
const BLOCK_ROWS = 32;

export interface LayerNormCall {
  readonly x: Tensor;
  /** Scale and shift. */
  readonly affine: TrainedVectors;
  readonly y: Tensor;
}

/** What the forward pass keeps: mean and inverse deviation of every row, vec2f. */
export interface LayerNormTape extends LayerNormCall {
  readonly statistics: BufferHandle;
}

/** Records y = layer_norm(x), token by token. */
export function recordLayerNormForward(builder: PlanBuilder, label: string, call: LayerNormCall): LayerNormTape {
  const { x, affine, y } = call;
  checkSame(x, y);
  if (affine.channels !== x.channels || affine.count !== 2) {
    throw new TypeError(`layer_norm: x has ${x.channels} channels, its parameters are ${affine.count} vectors of ${affine.channels}`);
  }
  const rows = x.batch * x.length;
  const statistics = builder.buffer(`${label} statistics`, rows * 8);
  builder.dispatch(
    layerNormKeptKernel(reductionInvocations(x.channels, builder.deviceClass), EPSILON),
    [
      builder.shape([x.channels, alignUp(x.channels, 4), rows]),
      { buffer: x.buffer },
      affine.weight,
      { buffer: statistics },
      { buffer: y.buffer },
    ],
    folded(rows),
  );
  return { ...call, statistics };
}

export interface LayerNormGradients {
  readonly dy: Tensor;
  /** Added to dx: what else reaches x. */
  readonly added?: Tensor | undefined;
  readonly dx: Tensor;
  /** Uniform of step scalars. */
  readonly step: BufferHandle;
}

/** Records the gradients of the input (dx, with what is `added`) and of scale and shift. */
export function recordLayerNormBackward(builder: PlanBuilder, label: string, tape: LayerNormTape, gradients: LayerNormGradients): void {
  const { x, affine, statistics } = tape;
  const { dy, added, dx, step } = gradients;
  for (const tensor of [dy, dx, ...(added ? [added] : [])]) checkSame(x, tensor);
  const { channels } = x;
  const width = alignUp(channels, 4);
  const rows = x.batch * x.length;
  builder.dispatch(
    layerNormGradientKernel(reductionInvocations(channels, builder.deviceClass), added !== undefined),
    [
      builder.shape([channels, width, rows]),
      { buffer: x.buffer },
      affine.weight,
      { buffer: statistics },
      { buffer: dy.buffer },
      ...(added ? [{ buffer: added.buffer }] : []),
      { buffer: dx.buffer },
    ],
    folded(rows),
  );
  const blocks = Math.ceil(rows / BLOCK_ROWS);
  // What pads a vector is never written, and stays 0.
  const partial: Rows = {
    buffer: builder.buffer(`${label} sums`, blocks * 2 * width * 4),
    batch: blocks,
    length: 1,
    channels: 2 * width,
    offset: 0,
    stride: 2 * width,
  };
  builder.dispatch(
    layerNormParametersKernel(INVOCATIONS),
    [
      builder.shape([channels, width, rows, BLOCK_ROWS]),
      { buffer: x.buffer },
      { buffer: statistics },
      { buffer: dy.buffer },
      { buffer: partial.buffer },
    ],
    [Math.ceil(channels / INVOCATIONS), blocks, 1],
  );
  recordVectorGradient(builder, affine, 0, partial, step);
}

function checkSame(x: Tensor, other: Tensor): void {
  if (!sameShape(x, other)) throw new TypeError(`layer_norm: x is ${x.channels}x${x.length}, another is ${other.channels}x${other.length}`);
  assertWhole('layer_norm', x);
  assertWhole('layer_norm', other);
}
