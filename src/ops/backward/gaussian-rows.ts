import {
  GAUSSIAN_SIZES,
  GAUSSIAN_WORKGROUP,
  gaussianLossKernel,
  gaussianStartKernel,
} from '../../../kernels/backward/gaussian-rows.wgsl.js';
import { alignUp } from '../../runtime/buffers.js';
import type { Binding, BufferHandle, PlanBuilder } from '../../runtime/plan-builder.js';
import { newRows, type Rows, rowChannels, sameRows } from '../../runtime/rows.js';

/** What two heads say of a chunk, side by side in one buffer: mean, and deviation before softplus, each [b][1][length · channels]. */
export interface GaussianHeads {
  readonly mean: Rows;
  readonly raw: Rows;
}

/** New rows for the heads of chunks, or for their gradients. */
export function newHeads(builder: PlanBuilder, label: string, chunk: Rows): GaussianHeads {
  const values = chunk.length * chunk.channels;
  const half = alignUp(values, 4);
  const both = newRows(builder, label, chunk.batch, 1, 2 * half);
  return { mean: rowChannels(both, 0, values), raw: rowChannels(both, half, values) };
}

/** Records start = mean + softplus(raw) · noise. */
export function recordGaussianStart(builder: PlanBuilder, heads: GaussianHeads, noise: Rows, start: Rows): void {
  builder.dispatch(
    gaussianStartKernel(),
    [shapeOf(builder, heads, [noise, start], 0), { buffer: heads.mean.buffer }, ...[noise, start].map(whole)],
    [Math.ceil(start.batch / GAUSSIAN_WORKGROUP), 1, 1],
  );
}

export interface GaussianLossCall {
  readonly heads: GaussianHeads;
  readonly action: Rows;
  readonly noise: Rows;
  /** Gradient of the start that was drawn. */
  readonly dstart: Rows;
  /** vec2f [b · length]: of the deviations' loss and of the mean's. */
  readonly weights: Binding;
  readonly gradients: GaussianHeads;
  readonly losses: BufferHandle;
  /** Of 2 · b losses: the deviations' of all samples, then the mean's. */
  readonly firstLoss: number;
  readonly step: BufferHandle;
}

/** Records the losses of the heads and their gradients. */
export function recordGaussianLoss(builder: PlanBuilder, call: GaussianLossCall): void {
  const { heads, action, noise, dstart, weights, gradients, losses, firstLoss, step } = call;
  if (gradients.mean.stride !== heads.mean.stride) throw new TypeError('gaussian_loss: gradients lie as their values do');
  builder.dispatch(
    gaussianLossKernel(),
    [
      shapeOf(builder, heads, [action, noise, dstart], firstLoss),
      { buffer: step },
      { buffer: heads.mean.buffer },
      ...[action, noise, dstart].map(whole),
      weights,
      { buffer: gradients.mean.buffer },
      { buffer: losses },
    ],
    [Math.ceil(action.batch / GAUSSIAN_WORKGROUP), 1, 1],
  );
}

/** Rows as a binding that begins with them. */
function whole({ buffer, offset, batch, length, stride }: Rows): Binding {
  return { buffer, offset: offset * 4, bytes: batch * length * stride * 4 };
}

function shapeOf(builder: PlanBuilder, { mean, raw }: GaussianHeads, chunks: readonly Rows[], firstLoss: number): Binding {
  const [first] = chunks as [Rows];
  const { batch, length, channels, stride } = first;
  const half = raw.offset - mean.offset;
  const isOdd = chunks.some((rows) => !sameRows(rows, first) || rows.stride !== stride);
  if (isOdd || mean.channels !== length * channels || mean.buffer !== raw.buffer || mean.offset !== 0 || mean.stride !== 2 * half) {
    throw new TypeError('gaussian: chunks of one shape, and heads with a value for each of their elements');
  }
  const sizes: Record<(typeof GAUSSIAN_SIZES)[number], number> = {
    samples: batch,
    places: length,
    channels,
    half,
    row: stride,
    first_loss: firstLoss,
  };
  return builder.shape(GAUSSIAN_SIZES.map((name) => sizes[name]));
}
