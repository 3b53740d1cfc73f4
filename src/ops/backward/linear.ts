import { columnSumsKernel, columnSumsShape } from '../../../kernels/backward/column-sums.wgsl.js';
import type { Binding, PlanBuilder } from '../../runtime/plan-builder.js';
import type { Tensor } from '../../runtime/tensor.js';
import { INVOCATIONS } from './grid.js';
import { type MatrixOperand, recordMatrixProduct, rowMajor, transposedPlace } from './matrix-product.js';
import { recordSumBlocks } from './sum-blocks.js';
import { assertWhole } from './whole.js';

/** Rows that are added up before blocks are: of biases, and of weights. */
const BIAS_BLOCK = 64;
const WEIGHT_BLOCK = 256;

/** A linear layer as PyTorch keeps it, or some of its output channels: a part of in_proj, say. */
export interface LinearParameters {
  readonly inChannels: number;
  readonly outChannels: number;
  /** f32 [out][in]. */
  readonly weight: Binding;
  /** f32 [out]. */
  readonly bias: Binding;
  /** First output channel in both of them. */
  readonly firstRow: number;
}

/** The gradients of its parameters, in the same layout: what is computed is added to what they hold. */
export interface LinearGradients {
  readonly weight: Binding;
  readonly bias: Binding;
}

/** Records y = x · Wᵀ + b for every token. */
export function recordLinearTraining(builder: PlanBuilder, linear: LinearParameters, x: Tensor, y: Tensor): void {
  const { inChannels, outChannels, weight, bias, firstRow } = linear;
  const rows = checkedRows(linear, x, y);
  recordMatrixProduct(builder, {
    rows,
    columns: outChannels,
    inner: inChannels,
    a: whole(x),
    b: { binding: weight, place: transposedPlace(rowMajor(inChannels, firstRow * inChannels)) },
    c: whole(y),
    bias: { binding: bias, offset: firstRow },
  });
}

/**
 * Records dW = dyᵀ · x and db = Σ dy, added to the gradients, and, where it is wanted, dx = dy · W, added to what dx holds if it
 * `keeps`. Weight and bias gradients are summed in blocks of rows, then over the blocks.
 */
export function recordLinearGradient(
  builder: PlanBuilder,
  label: string,
  linear: LinearParameters,
  call: {
    readonly x: Tensor;
    readonly dy: Tensor;
    readonly gradients: LinearGradients;
    readonly dx?: { readonly tensor: Tensor; readonly keeps: boolean } | undefined;
  },
): void {
  const { inChannels, outChannels, weight, firstRow } = linear;
  const { x, dy, gradients, dx } = call;
  const rows = checkedRows(linear, x, dy);
  const blocks = Math.ceil(rows / WEIGHT_BLOCK);
  const weightPlace = rowMajor(inChannels, firstRow * inChannels);
  const product = {
    rows: outChannels,
    columns: inChannels,
    inner: rows,
    a: { ...whole(dy), place: transposedPlace(rowMajor(outChannels)) },
    b: whole(x),
  };
  if (blocks === 1) {
    recordMatrixProduct(builder, { ...product, c: { binding: gradients.weight, place: weightPlace }, accumulate: true });
  } else {
    const partial = builder.buffer(`${label} weight sums`, blocks * outChannels * inChannels * 4);
    recordMatrixProduct(builder, {
      ...product,
      c: { binding: { buffer: partial }, place: rowMajor(inChannels) },
      splitInner: WEIGHT_BLOCK,
    });
    const elements = outChannels * inChannels;
    recordSumBlocks(builder, {
      partial,
      elements,
      blocks,
      stride: elements,
      first: 0,
      sum: gradients.weight,
      sumFirst: firstRow * inChannels,
    });
  }
  recordColumnSums(builder, label, dy, gradients.bias, firstRow);
  if (!dx) return;
  checkedRows(linear, dx.tensor, dy);
  recordMatrixProduct(builder, {
    rows,
    columns: inChannels,
    inner: outChannels,
    a: whole(dy),
    b: { binding: weight, place: weightPlace },
    c: whole(dx.tensor),
    accumulate: dx.keeps,
  });
}

/** Records sum = sum + Σ of all tokens of x, from element `first` of `sum` on. */
export function recordColumnSums(builder: PlanBuilder, label: string, x: Tensor, sum: Binding, first = 0): void {
  assertWhole('column sums', x);
  recordRowSums(builder, label, { x: { buffer: x.buffer }, rows: x.batch * x.length, columns: x.channels, sum, first });
}

/** Records sum = sum + Σ rows of a matrix f32 [rows][columns]. */
export function recordRowSums(
  builder: PlanBuilder,
  label: string,
  call: { readonly x: Binding; readonly rows: number; readonly columns: number; readonly sum: Binding; readonly first: number },
): void {
  const { x, rows, columns, sum, first } = call;
  const blocks = Math.ceil(rows / BIAS_BLOCK);
  const partial = builder.buffer(`${label} bias sums`, blocks * columns * 4);
  builder.dispatch(
    columnSumsKernel(INVOCATIONS),
    [builder.shape(columnSumsShape(columns, rows, BIAS_BLOCK)), x, { buffer: partial }],
    [Math.ceil(columns / INVOCATIONS), blocks, 1],
  );
  recordSumBlocks(builder, { partial, elements: columns, blocks, stride: columns, first: 0, sum, sumFirst: first });
}

function whole(tensor: Tensor): MatrixOperand {
  return { binding: { buffer: tensor.buffer }, place: rowMajor(tensor.channels) };
}

function checkedRows({ inChannels, outChannels }: LinearParameters, x: Tensor, y: Tensor): number {
  const fits = x.channels === inChannels && y.channels === outChannels && x.batch === y.batch && x.length === y.length;
  if (!fits) {
    throw new TypeError(
      `linear: ${inChannels} -> ${outChannels} channels; one side is ${x.batch}x${x.length} tokens of ${x.channels}, the other ` +
        `${y.batch}x${y.length} of ${y.channels}`,
    );
  }
  assertWhole('linear', x);
  assertWhole('linear', y);
  return x.batch * x.length;
}
