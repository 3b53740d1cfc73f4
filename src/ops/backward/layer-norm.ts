import {
  layerNormGradientKernel,
  layerNormKeptKernel,
  layerNormParametersKernel,
} from '../../../kernels/backward/layer-norm-training.wgsl.js';
import type { Binding, BufferHandle, PlanBuilder } from '../../runtime/plan-builder.js';
import { sameShape, type Tensor } from '../../runtime/tensor.js';
import { EPSILON } from '../norm.js';
import { reductionInvocations } from '../variants.js';
import { INVOCATIONS } from './grid.js';
import { recordSumBlocks } from './sum-blocks.js';
import { assertWhole } from './whole.js';

/** Rows that an invocation adds up before blocks are added up. */
const BLOCK_ROWS = 32;

export interface LayerNormTrainingCall {
  readonly x: Tensor;
  readonly gamma: Binding;
  readonly beta: Binding;
  readonly y: Tensor;
}

/** What the forward pass keeps: mean and inverse deviation of every row, vec2f. */
export interface KeptLayerNorm extends LayerNormTrainingCall {
  readonly statistics: BufferHandle;
}

export interface LayerNormGradients {
  readonly dy: Tensor;
  /** Added to dx. */
  readonly added?: Tensor | undefined;
  readonly dx: Tensor;
  /** Of the scale and the shift; the plan's sums are added to them. */
  readonly dGamma: Binding;
  readonly dBeta: Binding;
}

/** Records y = layer_norm(x), token by token. */
export function recordLayerNormTraining(builder: PlanBuilder, label: string, call: LayerNormTrainingCall): KeptLayerNorm {
  const { x, gamma, beta, y } = call;
  checkSame(x, y);
  const rows = x.batch * x.length;
  const statistics = builder.buffer(`${label} statistics`, rows * 8);
  builder.dispatch(
    layerNormKeptKernel(reductionInvocations(x.channels, builder.deviceClass), EPSILON),
    [builder.shape([x.channels]), { buffer: x.buffer }, gamma, beta, { buffer: statistics }, { buffer: y.buffer }],
    rowsOf(rows),
  );
  return { ...call, statistics };
}

/** Records the gradients of the input (dx, with what is `added`), the scale and the shift. */
export function recordLayerNormGradient(builder: PlanBuilder, label: string, kept: KeptLayerNorm, gradients: LayerNormGradients): void {
  const { x, gamma, statistics } = kept;
  const { dy, added, dx, dGamma, dBeta } = gradients;
  for (const tensor of [dy, dx, ...(added ? [added] : [])]) checkSame(x, tensor);
  const { channels } = x;
  const rows = x.batch * x.length;
  builder.dispatch(
    layerNormGradientKernel(reductionInvocations(channels, builder.deviceClass), added !== undefined),
    [
      builder.shape([channels]),
      { buffer: x.buffer },
      gamma,
      { buffer: statistics },
      { buffer: dy.buffer },
      ...(added ? [{ buffer: added.buffer }] : []),
      { buffer: dx.buffer },
    ],
    rowsOf(rows),
  );
  const blocks = Math.ceil(rows / BLOCK_ROWS);
  const partial = builder.buffer(`${label} partial sums`, blocks * 2 * channels * 4);
  builder.dispatch(
    layerNormParametersKernel(INVOCATIONS),
    [builder.shape([channels, rows, BLOCK_ROWS]), { buffer: x.buffer }, { buffer: statistics }, { buffer: dy.buffer }, { buffer: partial }],
    [Math.ceil(channels / INVOCATIONS), blocks, 1],
  );
  [dGamma, dBeta].forEach((sum, part) => {
    recordSumBlocks(builder, { partial, elements: channels, blocks, stride: 2 * channels, first: part * channels, sum, sumFirst: 0 });
  });
}

/** A workgroup each. @throws TypeError for more rows than WebGPU allows. */
function rowsOf(rows: number): [number, number, number] {
  return [rows, 1, 1];
}

function checkSame(x: Tensor, other: Tensor): void {
  if (!sameShape(x, other)) throw new TypeError(`layer_norm: x is ${x.channels}x${x.length}, another is ${other.channels}x${other.length}`);
  assertWhole('layer_norm', x);
  assertWhole('layer_norm', other);
}
