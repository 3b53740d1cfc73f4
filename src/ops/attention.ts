import { attentionKernel, attentionShape } from '../../kernels/transformer/attention.wgsl.js';
import { DeviceLimitError } from '../foundation/errors.js';
import type { PlanBuilder } from '../runtime/plan-builder.js';
import { sameShape, type Tensor } from '../runtime/tensor.js';
import { ceilPowerOfTwo, reductionInvocations } from './variants.js';

/** The kernel keeps one weight per key in workgroup memory beside its reduction; every device grants 16 KiB. */
const MAX_KEYS = 2048;

export interface AttentionCall {
  readonly heads: number;
  readonly q: Tensor;
  /** In the same buffer as v. */
  readonly k: Tensor;
  readonly v: Tensor;
  readonly y: Tensor;
}

/** Records y = softmax(q · kᵀ / √headDim) · v for every head. */
export function recordAttention(builder: PlanBuilder, call: AttentionCall): void {
  const { heads, q, k, v, y } = call;
  const headDim = q.channels / heads;
  const fits = k.channels === q.channels && k.batch === q.batch && sameShape(k, v) && sameShape(q, y);
  if (!Number.isInteger(headDim) || !fits || k.buffer !== v.buffer) {
    throw new TypeError(`attention: ${heads} heads, q ${q.channels}, k ${k.channels}, v ${v.channels} channels`);
  }
  if (k.length > MAX_KEYS) {
    throw new DeviceLimitError(`attention over ${k.length} tokens: at most ${MAX_KEYS} fit in workgroup memory`);
  }
  const kernel = attentionKernel({
    maxKeys: ceilPowerOfTwo(k.length),
    invocations: reductionInvocations(Math.max(k.length, headDim), builder.deviceClass),
  });
  const shape = attentionShape({ keys: k.length, headDim, q: q.layout, k: k.layout, v: v.layout, y: y.layout });
  builder.dispatch(
    kernel,
    [builder.shape(shape), { buffer: q.buffer }, { buffer: k.buffer }, { buffer: y.buffer }],
    [q.length, heads, q.batch],
  );
}
