import type { ActivationLayout } from '../../kernels/lib/kernel.js';
import { UNIFORM_BINDING_BYTES } from './buffers.js';
import type { BufferHandle, PlanBuilder } from './plan-builder.js';

/** An activation of shape batch × channels × length of f32 in a buffer of a plan. */
export interface Tensor {
  readonly buffer: BufferHandle;
  readonly layout: ActivationLayout;
  readonly batch: number;
  readonly channels: number;
  /** Columns of a convolution, or tokens. */
  readonly length: number;
}

/** A new buffer in the order [b][channels][length], as convolutions use it. */
export function channelsFirst(builder: PlanBuilder, label: string, batch: number, channels: number, length: number): Tensor {
  return {
    buffer: activationBuffer(builder, label, batch * channels * length),
    layout: { offset: 0, batchStride: channels * length, channelStride: length, timeStride: 1 },
    batch,
    channels,
    length,
  };
}

/** A new buffer in the order [b][length][channels], as linear layers and attention use it. */
export function tokens(builder: PlanBuilder, label: string, batch: number, length: number, channels: number): Tensor {
  return asTokens(activationBuffer(builder, label, batch * channels * length), batch, length, channels);
}

/**
 * lavapipe reads activations as uniforms, and the binding of a uniform is as large as the text of the kernel says:
 * WebGPU's 64 KiB, whatever is in it.
 */
function activationBuffer(builder: PlanBuilder, label: string, elements: number): BufferHandle {
  return builder.buffer(label, Math.max(elements * 4, builder.deviceClass === 'lavapipe' ? UNIFORM_BINDING_BYTES : 0));
}

/** A buffer read as [b][length][channels]. */
export function asTokens(buffer: BufferHandle, batch: number, length: number, channels: number): Tensor {
  return {
    buffer,
    layout: { offset: 0, batchStride: channels * length, channelStride: 1, timeStride: channels },
    batch,
    channels,
    length,
  };
}

/** Whether two tensors have the same batch, channels and length, wherever their values lie. */
export function sameShape(a: Tensor, b: Tensor): boolean {
  return a.batch === b.batch && a.channels === b.channels && a.length === b.length;
}

/** Channels [first, first + count) of a tensor: how two tensors are concatenated without a copy. */
export function channelRange(tensor: Tensor, first: number, count: number): Tensor {
  const { layout } = tensor;
  return { ...tensor, channels: count, layout: { ...layout, offset: layout.offset + first * layout.channelStride } };
}

/** Columns or tokens [first, first + count) of a tensor. */
export function timeRange(tensor: Tensor, first: number, count: number): Tensor {
  const { layout } = tensor;
  return { ...tensor, length: count, layout: { ...layout, offset: layout.offset + first * layout.timeStride } };
}

/** One sample used for a whole batch. */
export function broadcast(tensor: Tensor, batch: number): Tensor {
  return { ...tensor, batch, layout: { ...tensor.layout, batchStride: 0 } };
}

/** Hands out a tensor under `name` if it is wanted, in the order of its layout, samples one after the other. */
export function probeTensor(builder: PlanBuilder, name: string, tensor: Tensor): void {
  const { layout, batch, channels, length } = tensor;
  const ranges = Array.from({ length: batch }, (_, sample) => ({
    offset: (layout.offset + sample * layout.batchStride) * 4,
    bytes: channels * length * 4,
  }));
  builder.probe(name, tensor.buffer, ranges);
}
