import type { ActivationLayout } from '../../kernels/lib/kernel.js';
import type { BufferHandle, PlanBuilder } from '../runtime/plan-builder.js';
import type { Tensor } from '../runtime/tensor.js';

/**
 * What a convolution leaves when workgroups share its reduction: f32 [splits][b][channels][length], without bias. Whoever
 * reads it adds up the parts, in ascending order.
 */
export interface PartialSums {
  readonly buffer: BufferHandle;
  readonly splits: number;
  readonly batch: number;
  readonly channels: number;
  readonly length: number;
  /** Whether each part is [b][length][channels] instead. Default false. */
  readonly tokens?: boolean;
}

export function partialSums(builder: PlanBuilder, label: string, shape: Omit<PartialSums, 'buffer'>): PartialSums {
  const { splits, batch, channels, length } = shape;
  return { buffer: builder.buffer(label, splits * batch * channels * length * 4), ...shape };
}

export function isPartial(value: Tensor | PartialSums): value is PartialSums {
  return 'splits' in value;
}

/** Layout of one part, and the elements between parts. */
export function partLayout(sums: PartialSums): { readonly layout: ActivationLayout; readonly stride: number } {
  const { batch, channels, length, tokens = false } = sums;
  const strides = tokens ? { channelStride: 1, timeStride: channels } : { channelStride: length, timeStride: 1 };
  return { layout: { offset: 0, batchStride: channels * length, ...strides }, stride: batch * channels * length };
}
