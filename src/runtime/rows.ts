import type { ActivationLayout } from '../../kernels/lib/kernel.js';
import { alignUp } from './buffers.js';
import type { BufferHandle, PlanBuilder } from './plan-builder.js';
import type { Tensor } from './tensor.js';

/**
 * An activation as training keeps it: value [b, t, c] of f32 is at (b · length + t) · stride + offset + c. Channels lie side by side, so that
 * a sum over channels, over outputs or over rows reads four neighbours at once; rows are padded with zeros to multiples of four.
 */
export interface Rows {
  readonly buffer: BufferHandle;
  readonly batch: number;
  /** Places of a sample: columns of a convolution, or tokens. */
  readonly length: number;
  readonly channels: number;
  /** Elements before the first one, and from a row to the next; multiples of four. */
  readonly offset: number;
  readonly stride: number;
}

/** A new buffer for rows of their own. */
export function newRows(builder: PlanBuilder, label: string, batch: number, length: number, channels: number): Rows {
  const stride = alignUp(channels, 4);
  return { buffer: builder.buffer(label, batch * length * stride * 4), batch, length, channels, offset: 0, stride };
}

/** Channels [first, first + count) of rows; `first` is a multiple of four. */
export function rowChannels(rows: Rows, first: number, count: number): Rows {
  if (first % 4 !== 0) throw new TypeError(`rows: channels from ${first} on do not begin at a multiple of four`);
  return { ...rows, offset: rows.offset + first, channels: count };
}

/** Samples [first, first + count) of rows. */
export function rowSamples(rows: Rows, first: number, count: number): Rows {
  return { ...rows, offset: rows.offset + first * rows.length * rows.stride, batch: count };
}

export function sameRows(a: Rows, b: Rows): boolean {
  return a.batch === b.batch && a.length === b.length && a.channels === b.channels;
}

/** @throws TypeError for rows of another shape, and for those that share a buffer or have gaps. */
export function checkWholeRows(what: string, expected: Rows, found: readonly Rows[]): void {
  for (const rows of found) {
    if (!sameRows(rows, expected) || !isWhole(rows)) {
      throw new TypeError(
        `${what}: expected ${expected.batch}x${expected.length} rows of ${expected.channels} channels, in a buffer of their own`,
      );
    }
  }
}

/** Whether they lie without gaps from the start of their buffer. */
export function isWhole({ offset, stride, channels }: Rows): boolean {
  return offset === 0 && stride === Math.ceil(channels / 4) * 4;
}

/** Rows as the tensor that other ops know. */
export function rowsTensor({ buffer, batch, length, channels, offset, stride }: Rows): Tensor {
  const layout: ActivationLayout = { offset, batchStride: length * stride, channelStride: 1, timeStride: stride };
  return { buffer, layout, batch, channels, length };
}

/** Hands out rows under `name` if they are wanted: [b][length][channels]. */
export function probeRows(builder: PlanBuilder, name: string, rows: Rows): void {
  if (!builder.wantsProbe(name)) return;
  const ranges = Array.from({ length: rows.batch * rows.length }, (_, row) => ({
    offset: (row * rows.stride + rows.offset) * 4,
    bytes: rows.channels * 4,
  }));
  builder.probe(name, rows.buffer, ranges);
}
