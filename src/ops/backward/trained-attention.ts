import { HEAD_TILE, type HeadMatrices, headProductKernel, headProductShape } from '../../../kernels/backward/head-product.wgsl.js';
import { softmaxRowsGradientKernel, softmaxRowsKernel, softmaxRowsShape } from '../../../kernels/backward/softmax-rows.wgsl.js';
import type { BufferHandle, PlanBuilder } from '../../runtime/plan-builder.js';
import { sameShape, type Tensor } from '../../runtime/tensor.js';
import { INVOCATIONS, lineOf } from '../grid.js';
import { type DropoutPlan, type DropoutSite, dropoutBindings } from './dropout.js';

export interface TrainedAttentionCall {
  readonly heads: number;
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
  readonly y: Tensor;
  readonly dropout: DropoutPlan;
  /** Of the probabilities, [b][head][query][key]. */
  readonly site: DropoutSite;
}

/** What the forward pass of an attention keeps: probabilities, and what dropout left of them, f32 [b][head][query][key]. */
export interface AttentionTape extends TrainedAttentionCall {
  readonly probabilities: BufferHandle;
  readonly dropped: BufferHandle;
}

export interface AttentionGradients {
  readonly dy: Tensor;
  readonly dq: Tensor;
  readonly dk: Tensor;
  readonly dv: Tensor;
}

/** Probabilities of an attention. */
export function probabilityCount(batch: number, heads: number, queries: number, keys: number): number {
  return batch * heads * queries * keys;
}

/** Records y = dropout(softmax(q · kᵀ / √headDim)) · v for every head, and says what it keeps. */
export function recordAttentionForward(builder: PlanBuilder, label: string, call: TrainedAttentionCall): AttentionTape {
  const { heads, q, k, v, y, dropout, site } = call;
  const headDim = checkedHeadDim(call);
  const count = probabilityCount(q.batch, heads, q.length, k.length);
  if (site.elements !== count) throw new TypeError(`attention: ${count} probabilities, ${site.elements} in its mask`);
  const probabilities = builder.buffer(`${label} probabilities`, count * 4);
  const dropped = builder.buffer(`${label} dropped probabilities`, count * 4);
  const kept = { ...call, probabilities, dropped };
  const scores = scoreMatrices(kept);
  recordProduct(builder, {
    sizes: { batch: q.batch, heads, rows: q.length, columns: k.length, inner: headDim },
    factor: 1 / Math.sqrt(headDim),
    a: { buffer: q.buffer, matrices: tokenMatrices(q, headDim) },
    b: { buffer: k.buffer, matrices: transposed(tokenMatrices(k, headDim)) },
    c: { buffer: probabilities, matrices: scores },
  });
  builder.dispatch(
    softmaxRowsKernel(INVOCATIONS),
    [
      builder.shape(softmaxRowsShape(count / k.length, k.length, site.firstWord)),
      ...dropoutBindings(dropout),
      { buffer: probabilities },
      { buffer: dropped },
    ],
    lineOf(count / k.length),
  );
  recordProduct(builder, {
    sizes: { batch: q.batch, heads, rows: q.length, columns: headDim, inner: k.length },
    factor: 1,
    a: { buffer: dropped, matrices: scores },
    b: { buffer: v.buffer, matrices: tokenMatrices(v, headDim) },
    c: { buffer: y.buffer, matrices: tokenMatrices(y, headDim) },
  });
  return kept;
}

/**
 * Records the gradients of q, k and v: dv = Pᵀ dy · dP = dy vᵀ · dS = P ∘ (dP − rowsum(P ∘ dP)) · dq = dS k / √headDim ·
 * dk = dSᵀ q / √headDim, P with dropout where y has it.
 */
export function recordAttentionBackward(builder: PlanBuilder, label: string, kept: AttentionTape, gradients: AttentionGradients): void {
  const { heads, q, k, v, site, dropout, probabilities, dropped } = kept;
  const { dy, dq, dk, dv } = gradients;
  const headDim = checkedHeadDim({ ...kept, q: dq, k: dk, v: dv, y: dy });
  if (!sameShape(dq, q) || !sameShape(dk, k)) throw new TypeError('attention: gradients have the shapes of q, k and v');
  const factor = 1 / Math.sqrt(headDim);
  const batch = q.batch;
  const scores = scoreMatrices(kept);
  const rows = site.elements / k.length;
  const dScores = builder.buffer(`${label} gradient of scores`, site.elements * 4);
  const token = (tensor: Tensor): ProductOperand => ({ buffer: tensor.buffer, matrices: tokenMatrices(tensor, headDim) });
  recordProduct(builder, {
    sizes: { batch, heads, rows: k.length, columns: headDim, inner: q.length },
    factor: 1,
    a: { buffer: dropped, matrices: transposed(scores) },
    b: token(dy),
    c: token(dv),
  });
  recordProduct(builder, {
    sizes: { batch, heads, rows: q.length, columns: k.length, inner: headDim },
    factor: 1,
    a: token(dy),
    b: { buffer: v.buffer, matrices: transposed(tokenMatrices(v, headDim)) },
    c: { buffer: dScores, matrices: scores },
  });
  builder.dispatch(
    softmaxRowsGradientKernel(INVOCATIONS),
    [
      builder.shape(softmaxRowsShape(rows, k.length, site.firstWord)),
      ...dropoutBindings(dropout),
      { buffer: probabilities },
      { buffer: dScores },
    ],
    lineOf(rows),
  );
  recordProduct(builder, {
    sizes: { batch, heads, rows: q.length, columns: headDim, inner: k.length },
    factor,
    a: { buffer: dScores, matrices: scores },
    b: token(k),
    c: token(dq),
  });
  recordProduct(builder, {
    sizes: { batch, heads, rows: k.length, columns: headDim, inner: q.length },
    factor,
    a: { buffer: dScores, matrices: transposed(scores) },
    b: token(q),
    c: token(dk),
  });
}

interface ProductOperand {
  readonly buffer: BufferHandle;
  readonly matrices: HeadMatrices;
}

interface ProductCall {
  readonly sizes: {
    readonly batch: number;
    readonly heads: number;
    readonly rows: number;
    readonly columns: number;
    readonly inner: number;
  };
  readonly factor: number;
  readonly a: ProductOperand;
  readonly b: ProductOperand;
  readonly c: ProductOperand;
}

function recordProduct(builder: PlanBuilder, { sizes, factor, a, b, c }: ProductCall): void {
  const { batch, heads, rows, columns, inner } = sizes;
  const tiles = Math.ceil(rows / HEAD_TILE) * Math.ceil(columns / HEAD_TILE);
  const invocations = Math.min(INVOCATIONS, Math.ceil(tiles / 8) * 8);
  builder.dispatch(
    headProductKernel(invocations),
    [
      builder.shape(headProductShape({ rows, columns, inner, factor, a: a.matrices, b: b.matrices, c: c.matrices })),
      { buffer: a.buffer },
      { buffer: b.buffer },
      { buffer: c.buffer },
    ],
    [Math.ceil(tiles / invocations), heads, batch],
  );
}

/** [b][head][query][key]. */
function scoreMatrices({ heads, q, k }: TrainedAttentionCall): HeadMatrices {
  const size = q.length * k.length;
  return { offset: 0, batchStride: heads * size, headStride: size, rowStride: k.length, columnStride: 1 };
}

/** Tokens as matrices: a row is a token, channel h · headDim + d belongs to column d of head h. */
function tokenMatrices({ layout }: Tensor, headDim: number): HeadMatrices {
  return {
    offset: layout.offset,
    batchStride: layout.batchStride,
    headStride: headDim * layout.channelStride,
    rowStride: layout.timeStride,
    columnStride: layout.channelStride,
  };
}

function transposed(matrices: HeadMatrices): HeadMatrices {
  return { ...matrices, rowStride: matrices.columnStride, columnStride: matrices.rowStride };
}

function checkedHeadDim({ heads, q, k, v, y }: Pick<TrainedAttentionCall, 'heads' | 'q' | 'k' | 'v' | 'y'>): number {
  const headDim = q.channels / heads;
  if (!Number.isInteger(headDim) || k.channels !== q.channels || k.batch !== q.batch || !sameShape(k, v) || !sameShape(q, y)) {
    throw new TypeError(`attention: ${heads} heads, q ${q.channels}, k ${k.channels}, v ${v.channels} channels`);
  }
  return headDim;
}
