import { KEYPOINT_SIZES, keypointsBackwardKernel, keypointsForwardKernel } from '../../../kernels/backward/keypoints.wgsl.js';
import { MAP_NORM_SIZES, mapNormBackwardKernel, mapNormForwardKernel } from '../../../kernels/backward/map-norm.wgsl.js';
import { MAX_POOL_SIZES, maxPoolBackwardKernel, maxPoolForwardKernel } from '../../../kernels/backward/max-pool-rows.wgsl.js';
import { type RowActivation, reluRowsKernel } from '../../../kernels/backward/relu-rows.wgsl.js';
import type { Binding, BufferHandle, PlanBuilder } from '../../runtime/plan-builder.js';
import { checkWholeRows, isWhole, type Rows, sameRows } from '../../runtime/rows.js';
import { poolOutput } from '../feature-maps.js';
import { INVOCATIONS, lineOf, lineOfOwners } from '../grid.js';
import { EPSILON } from '../norm.js';
import { ceilPowerOfTwo, VARIANTS } from '../variants.js';
import type { Maps } from './maps.js';
import type { TrainedVectors } from './trained-weights.js';
import { sumMembers } from './training-variants.js';
import { recordVectorGradient } from './weight-gradient.js';

/** Elements of rows that lie without gaps from the start of their buffer. @throws TypeError for others. */
function whole(what: string, rows: Rows): number {
  if (!isWhole(rows)) throw new TypeError(`${what}: expected rows of a buffer of their own`);
  return rows.batch * rows.length * rows.stride;
}

export interface MapNormCall {
  readonly x: Rows;
  /** Scale and shift. */
  readonly affine: TrainedVectors;
  readonly groupChannels: number;
  readonly residual?: Rows | undefined;
  readonly relu: boolean;
  readonly y: Rows;
}

/** What the forward pass keeps: mean and inverse deviation of every group of every sample, vec2f. */
export interface MapNormTape extends MapNormCall {
  readonly statistics: BufferHandle;
}

function normShape(builder: PlanBuilder, { x, groupChannels }: MapNormCall): Binding {
  const sizes: Record<(typeof MAP_NORM_SIZES)[number], number> = {
    batch: x.batch,
    places: x.length,
    channels: x.channels,
    groups: x.channels / groupChannels,
    group_channels: groupChannels,
  };
  return builder.shape(MAP_NORM_SIZES.map((name) => sizes[name]));
}

/** Records y = relu(group_norm(x) + residual). */
export function recordMapNormForward(builder: PlanBuilder, label: string, call: MapNormCall): MapNormTape {
  const { x, affine, groupChannels, residual, relu, y } = call;
  const { channels } = x;
  if (channels % 4 !== 0 || channels % groupChannels !== 0 || affine.channels !== channels || affine.count !== 2) {
    throw new TypeError(`map norm: ${channels} channels (a multiple of 4) in groups of ${groupChannels}, parameters of ${affine.channels}`);
  }
  checkWholeRows('map norm', x, [x, y, ...(residual ? [residual] : [])]);
  const groups = channels / groupChannels;
  const statistics = builder.buffer(`${label} statistics`, x.batch * groups * 8);
  const members = sumMembers(x.length, builder.deviceClass);
  builder.dispatch(
    mapNormForwardKernel({ members, residual: residual !== undefined, relu }, EPSILON),
    [
      normShape(builder, call),
      { buffer: x.buffer },
      affine.weight,
      ...(residual ? [{ buffer: residual.buffer }] : []),
      { buffer: y.buffer },
      { buffer: statistics },
    ],
    lineOfOwners(members, x.batch * groups),
  );
  return { ...call, statistics };
}

/** Records the gradients of the input, of scale and shift, and of the residual where there is one. */
export function recordMapNormBackward(
  builder: PlanBuilder,
  tape: MapNormTape,
  call: {
    readonly dy: Rows;
    readonly dx: Rows;
    readonly dresidual?: Rows | undefined;
    /** [b][1][2 · channels]: what each sample adds to the gradients of scale and shift. */
    readonly sums: Rows;
    readonly step: BufferHandle;
  },
): void {
  const { x, affine, groupChannels, residual, relu, y, statistics } = tape;
  const { dy, dx, dresidual, sums, step } = call;
  if ((residual === undefined) !== (dresidual === undefined)) throw new TypeError('map norm: a residual has a gradient');
  checkWholeRows('map norm', x, [dy, dx, ...(dresidual ? [dresidual] : [])]);
  if (sums.batch !== x.batch || sums.length !== 1 || sums.channels !== 2 * x.channels)
    throw new TypeError('map norm: sums are [b][2 · channels]');
  const groups = x.channels / groupChannels;
  const members = VARIANTS[builder.deviceClass].sliced ? ceilPowerOfTwo(groupChannels) : 1;
  builder.dispatch(
    mapNormBackwardKernel({ members, residual: residual !== undefined, relu }),
    [
      normShape(builder, tape),
      { buffer: x.buffer },
      affine.weight,
      { buffer: statistics },
      { buffer: dy.buffer },
      ...(relu ? [{ buffer: y.buffer }] : []),
      ...(dresidual ? [{ buffer: dresidual.buffer }] : []),
      { buffer: dx.buffer },
      { buffer: sums.buffer },
    ],
    lineOfOwners(members, x.batch * groups),
  );
  recordVectorGradient(builder, affine, 0, sums, step);
}

export interface MaxPoolTape {
  readonly x: Maps;
  readonly y: Maps;
  /** Which element of its window each maximum is. */
  readonly chosen: BufferHandle;
}

function poolShape(builder: PlanBuilder, x: Maps, y: Maps): Binding {
  const sizes: Record<(typeof MAX_POOL_SIZES)[number], number> = {
    batch: x.rows.batch,
    height: x.height,
    width: x.width,
    out_height: y.height,
    out_width: y.width,
    groups: x.rows.stride / 4,
  };
  return builder.shape(MAX_POOL_SIZES.map((name) => sizes[name]));
}

/** Records y = max_pool(x), 3×3 with stride 2. */
export function recordMaxPoolForward(builder: PlanBuilder, label: string, x: Maps, y: Maps): MaxPoolTape {
  if (
    y.height !== poolOutput(x.height) ||
    y.width !== poolOutput(x.width) ||
    y.rows.channels !== x.rows.channels ||
    y.rows.batch !== x.rows.batch
  ) {
    throw new TypeError(`max_pool: expected ${poolOutput(x.height)}x${poolOutput(x.width)}, y is ${y.height}x${y.width}`);
  }
  whole('max_pool', x.rows);
  const elements = whole('max_pool', y.rows);
  const chosen = builder.buffer(`${label} chosen`, elements * 4);
  builder.dispatch(
    maxPoolForwardKernel(INVOCATIONS),
    [poolShape(builder, x, y), { buffer: x.rows.buffer }, { buffer: y.rows.buffer }, { buffer: chosen }],
    lineOf(elements / 4),
  );
  return { x, y, chosen };
}

/** Records the gradient of its input. */
export function recordMaxPoolBackward(builder: PlanBuilder, { x, y, chosen }: MaxPoolTape, dy: Rows, dx: Rows): void {
  if (!sameRows(dy, y.rows) || !sameRows(dx, x.rows)) throw new TypeError('max_pool: gradients have the shapes of x and y');
  whole('max_pool', dy);
  builder.dispatch(
    maxPoolBackwardKernel(INVOCATIONS),
    [poolShape(builder, x, y), { buffer: dy.buffer }, { buffer: chosen }, { buffer: dx.buffer }],
    lineOf(whole('max_pool', dx) / 4),
  );
}

export interface KeypointsTape {
  readonly x: Rows;
  /** vec2f [places]. */
  readonly grid: Binding;
  readonly probabilities: BufferHandle;
}

function keypointShape(builder: PlanBuilder, x: Rows): Binding {
  const sizes: Record<(typeof KEYPOINT_SIZES)[number], number> = {
    batch: x.batch,
    places: x.length,
    keypoints: x.channels,
    row: x.stride,
  };
  return builder.shape(KEYPOINT_SIZES.map((name) => sizes[name]));
}

/** Records y [b][1][2 · channels] = keypoints of maps, x then y of each. 2 · channels must be a multiple of 4. */
export function recordKeypointsForward(builder: PlanBuilder, label: string, x: Rows, grid: Binding, y: Rows): KeypointsTape {
  whole('keypoints', x);
  whole('keypoints', y);
  if (y.batch !== x.batch || y.length !== 1 || y.channels !== 2 * x.channels || y.stride !== y.channels) {
    throw new TypeError(`keypoints: ${x.batch} samples of ${x.channels} maps, y is ${y.batch}x${y.length}x${y.channels}`);
  }
  const probabilities = builder.buffer(`${label} probabilities`, x.buffer.bytes);
  builder.dispatch(
    keypointsForwardKernel(INVOCATIONS),
    [keypointShape(builder, x), { buffer: x.buffer }, grid, { buffer: probabilities }, { buffer: y.buffer }],
    lineOf(x.batch * x.channels),
  );
  return { x, grid, probabilities };
}

/** Records the gradient of the maps. */
export function recordKeypointsBackward(builder: PlanBuilder, { x, grid, probabilities }: KeypointsTape, dy: Rows, dx: Rows): void {
  if (!sameRows(dx, x) || dy.batch !== x.batch || dy.channels !== 2 * x.channels || dy.stride !== dy.channels) {
    throw new TypeError('keypoints: gradients have the shapes of maps and keypoints');
  }
  whole('keypoints', dx);
  builder.dispatch(
    keypointsBackwardKernel(INVOCATIONS),
    [keypointShape(builder, x), { buffer: probabilities }, grid, { buffer: dy.buffer }, { buffer: dx.buffer }],
    lineOf(x.batch * x.channels),
  );
}

/** Records y = relu(x), or another activation of x. */
export function recordReluForward(builder: PlanBuilder, x: Rows, y: Rows, activation: RowActivation = 'relu'): void {
  if (!sameRows(x, y) || whole('relu', x) !== whole('relu', y)) throw new TypeError('relu: x and y have one shape');
  const elements = whole('relu', x);
  builder.dispatch(
    reluRowsKernel(false, INVOCATIONS, activation),
    [builder.shape([elements]), { buffer: x.buffer }, { buffer: y.buffer }],
    lineOf(elements),
  );
}

/** Records dx = dy where y is above 0, or the gradient of another activation. */
export function recordReluBackward(builder: PlanBuilder, y: Rows, dy: Rows, dx: Rows, activation: RowActivation = 'relu'): void {
  if (!sameRows(dx, y) || !sameRows(dy, y)) throw new TypeError('relu: gradients have the shape of y');
  const elements = whole('relu', y);
  for (const rows of [dy, dx]) whole('relu', rows);
  builder.dispatch(
    reluRowsKernel(true, INVOCATIONS, activation),
    [builder.shape([elements]), { buffer: y.buffer }, { buffer: dy.buffer }, { buffer: dx.buffer }],
    lineOf(elements),
  );
}
