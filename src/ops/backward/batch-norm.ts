import {
  BATCH_NORM_MODE,
  BATCH_NORM_SIZES,
  type BatchNormParameters,
  batchNormApplyKernel,
  batchNormBackwardKernel,
  batchNormMomentsKernel,
  batchNormStatisticsKernel,
  batchNormSumsKernel,
  batchNormTotalsKernel,
} from '../../../kernels/backward/batch-norm.wgsl.js';
import type { Binding, BufferHandle, PlanBuilder } from '../../runtime/plan-builder.js';
import { checkWholeRows, newRows, type Rows } from '../../runtime/rows.js';
import { INVOCATIONS, lineOf, lineOfOwners } from '../grid.js';
import { EPSILON } from '../norm.js';
import type { TrainedVectors } from './trained-weights.js';
import { sumMembers } from './training-variants.js';
import { recordVectorGradient } from './weight-gradient.js';

/** torch.nn.BatchNorm2d's default: how far running statistics move towards those of a batch. */
export const BATCH_NORM_MOMENTUM = 0.1;
/** Places that are added up together. */
const SLICE = 256;

/** Bytes of the uniform that `batchNormMode` fills. */
export const BATCH_NORM_MODE_BYTES = 4 * BATCH_NORM_MODE.length;

/** What a step tells its batch norms. `windows`: pictures of a camera, of which the first `counted` count. */
export function batchNormMode(mode: {
  readonly windows: number;
  readonly counted: number;
  readonly learns: boolean;
}): Uint32Array<ArrayBuffer> {
  const words: Record<(typeof BATCH_NORM_MODE)[number], number> = { ...mode, learns: mode.learns ? 1 : 0 };
  return Uint32Array.from(BATCH_NORM_MODE, (name) => words[name]);
}

export interface BatchNormCall {
  readonly x: Rows;
  /** Scale and shift. */
  readonly affine: TrainedVectors;
  /** Running mean and variance, f32 [2][channels]. */
  readonly running: Binding;
  /** Uniform of `batchNormMode`. */
  readonly mode: BufferHandle;
  readonly residual?: Rows | undefined;
  readonly relu: boolean;
  readonly y: Rows;
}

/** What the forward pass keeps: mean and inverse deviation of every channel, f32 [2][channels]. */
export interface BatchNormTape extends BatchNormCall {
  readonly statistics: BufferHandle;
}

interface Cut {
  readonly shape: Binding;
  readonly slices: number;
  /** Invocations that share a group of channels. */
  readonly members: number;
}

function cutOf(builder: PlanBuilder, { batch, length, channels }: Rows): Cut {
  const slices = Math.ceil(length / SLICE);
  const sizes: Record<(typeof BATCH_NORM_SIZES)[number], number> = { batch, places: length, groups: channels / 4, slices, slice: SLICE };
  return {
    shape: builder.shape(BATCH_NORM_SIZES.map((name) => sizes[name])),
    slices,
    members: sumMembers(batch * slices, builder.deviceClass),
  };
}

/** Records y = relu(batch_norm(x) + residual), by statistics of the batch, which move the running ones, or by these, as the mode says. */
export function recordBatchNormForward(builder: PlanBuilder, label: string, call: BatchNormCall): BatchNormTape {
  const { x, affine, running, mode, residual, relu, y } = call;
  const { batch, length, channels } = x;
  if (channels % 4 !== 0 || affine.channels !== channels || affine.count !== 2) {
    throw new TypeError(`batch norm: ${channels} channels (a multiple of 4), parameters of ${affine.channels}`);
  }
  checkWholeRows('batch norm', x, [x, y, ...(residual ? [residual] : [])]);
  const { shape, slices, members } = cutOf(builder, x);
  const groups = channels / 4;
  const moments = builder.buffer(`${label} moments`, batch * slices * channels * 8);
  const statistics = builder.buffer(`${label} statistics`, channels * 8);
  builder.dispatch(
    batchNormMomentsKernel(INVOCATIONS),
    [shape, { buffer: mode }, { buffer: x.buffer }, { buffer: moments }],
    lineOf(batch * slices * groups),
  );
  builder.dispatch(
    batchNormStatisticsKernel(members, EPSILON, BATCH_NORM_MOMENTUM),
    [shape, { buffer: mode }, { buffer: moments }, running, { buffer: statistics }],
    lineOfOwners(members, groups),
  );
  const parameters: BatchNormParameters = { residual: residual !== undefined, relu };
  builder.dispatch(
    batchNormApplyKernel(parameters, INVOCATIONS),
    [
      shape,
      { buffer: x.buffer },
      affine.weight,
      { buffer: statistics },
      ...(residual ? [{ buffer: residual.buffer }] : []),
      { buffer: y.buffer },
    ],
    lineOf(batch * length * groups),
  );
  return { ...call, statistics };
}

/** Records the gradients of the input, of scale and shift, and of the residual where there is one. */
export function recordBatchNormBackward(
  builder: PlanBuilder,
  tape: BatchNormTape,
  { dy, dx, dresidual, step }: { readonly dy: Rows; readonly dx: Rows; readonly dresidual?: Rows | undefined; readonly step: BufferHandle },
): void {
  const { x, affine, mode, residual, relu, y, statistics } = tape;
  if ((residual === undefined) !== (dresidual === undefined)) throw new TypeError('batch norm: a residual has a gradient');
  checkWholeRows('batch norm', x, [dy, dx, ...(dresidual ? [dresidual] : [])]);
  const { batch, length, channels } = x;
  const { shape, slices, members } = cutOf(builder, x);
  const groups = channels / 4;
  const sums = builder.buffer('batch norm sums', batch * slices * channels * 8);
  const totals = newRows(builder, 'batch norm totals', 1, 1, 2 * channels);
  const activated = relu ? [{ buffer: y.buffer }] : [];
  builder.dispatch(
    batchNormSumsKernel({ residual: residual !== undefined, relu }, INVOCATIONS),
    [
      shape,
      { buffer: mode },
      { buffer: x.buffer },
      { buffer: statistics },
      { buffer: dy.buffer },
      ...activated,
      ...(dresidual ? [{ buffer: dresidual.buffer }] : []),
      { buffer: sums },
    ],
    lineOf(batch * slices * groups),
  );
  builder.dispatch(batchNormTotalsKernel(members), [shape, { buffer: sums }, { buffer: totals.buffer }], lineOfOwners(members, groups));
  recordVectorGradient(builder, affine, 0, totals, step);
  builder.dispatch(
    batchNormBackwardKernel({ relu }, INVOCATIONS),
    [
      shape,
      { buffer: mode },
      { buffer: x.buffer },
      affine.weight,
      { buffer: statistics },
      { buffer: totals.buffer },
      { buffer: dy.buffer },
      ...activated,
      { buffer: dx.buffer },
    ],
    lineOf(batch * length * groups),
  );
}
