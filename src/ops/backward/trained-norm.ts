import { normBackwardKernel } from '../../../kernels/backward/norm-backward.wgsl.js';
import { type FilmKind, NORM_SIZES, normForwardKernel } from '../../../kernels/backward/norm-forward.wgsl.js';
import type { Binding, BufferHandle, PlanBuilder } from '../../runtime/plan-builder.js';
import { newRows, probeRows, type Rows, sameRows } from '../../runtime/rows.js';
import { lineOfOwners } from '../grid.js';
import { EPSILON } from '../norm.js';
import type { TrainedVectors } from './trained-weights.js';
import { normMembers } from './training-variants.js';

/** FiLM values of a block in rows of all blocks, and where their gradients go: a row for every sample, or for every place of one. */
export interface TrainedFilm {
  readonly kind: Exclude<FilmKind, 'none'>;
  readonly rows: Rows;
  readonly gradients: Rows;
  /** First value of the block in a row. */
  readonly offset: number;
}

export interface NormCall {
  /** γ, β and the bias of the convolution that made x. */
  readonly affine: TrainedVectors;
  readonly groups: number;
  readonly film?: TrainedFilm | undefined;
  readonly x: Rows;
  /** [b][groups] of μ and r, kept for the backward pass. */
  readonly statistics: BufferHandle;
}

/** Records y = film(mish(group_norm(x))) + residual; `probe`: the name of what lies before FiLM. */
export function recordNormForward(
  builder: PlanBuilder,
  call: NormCall & { readonly y: Rows; readonly residual?: Rows | undefined; readonly probe?: string },
): void {
  const { affine, groups, film, x, y, residual, statistics } = call;
  checkNorm(call, y, residual);
  const probe = probeOf(builder, call.probe, x);
  const members = normMembers(affine.channels / groups, builder.deviceClass);
  const kernel = normForwardKernel({
    epsilon: EPSILON,
    members,
    ...filmOf(film, x),
    residual: residual !== undefined,
    probed: probe !== undefined,
  });
  builder.dispatch(
    kernel,
    [
      shapeOf(builder, call, y, residual),
      { buffer: x.buffer },
      affine.weight,
      ...(film ? [{ buffer: film.rows.buffer }] : []),
      ...(residual ? [{ buffer: residual.buffer }] : []),
      { buffer: y.buffer },
      { buffer: statistics },
      ...(probe ? [{ buffer: probe.buffer }] : []),
    ],
    lineOfOwners(members, x.batch * groups),
  );
  if (call.probe !== undefined && probe) probeRows(builder, call.probe, probe);
}

/**
 * Records its backward pass: dx, the gradients of FiLM, and `sums` [b][3 · channels] of dγ, dβ and the bias gradient of the convolution
 * before, per sample. `probe`: the name of the gradient of what lies before FiLM.
 */
export function recordNormBackward(
  builder: PlanBuilder,
  call: NormCall & { readonly dy: Rows; readonly dx: Rows; readonly sums: Rows; readonly probe?: string },
): void {
  const { affine, groups, film, x, dy, dx, sums, statistics } = call;
  checkNorm(call, dx, dy);
  if (sums.stride !== 3 * affine.channels || sums.batch * sums.length !== x.batch)
    throw new TypeError('norm_backward: sums are [b][3 · channels]');
  const probe = probeOf(builder, call.probe, x);
  const members = normMembers(affine.channels / groups, builder.deviceClass);
  const kernel = normBackwardKernel({ epsilon: EPSILON, members, ...filmOf(film, x), probed: probe !== undefined });
  builder.dispatch(
    kernel,
    [
      shapeOf(builder, call, dx, dy),
      { buffer: x.buffer },
      affine.weight,
      { buffer: statistics },
      { buffer: dy.buffer },
      ...(film?.kind === 'scale-bias' ? [{ buffer: film.rows.buffer }] : []),
      ...(film ? [{ buffer: film.gradients.buffer }] : []),
      { buffer: dx.buffer },
      { buffer: sums.buffer },
      ...(probe ? [{ buffer: probe.buffer }] : []),
    ],
    lineOfOwners(members, x.batch * groups),
  );
  if (call.probe !== undefined && probe) probeRows(builder, call.probe, probe);
}

/** Bytes of the statistics of a norm. */
export function statisticsBytes(batch: number, groups: number): number {
  return batch * groups * 8;
}

function checkNorm({ affine, groups, x }: NormCall, y: Rows, other: Rows | undefined): void {
  const { channels } = affine;
  if (channels % 4 !== 0 || channels % groups !== 0 || x.channels !== channels || !sameRows(x, y) || (other && !sameRows(other, y))) {
    throw new TypeError(
      `trained norm: ${channels} channels (a multiple of 4) in ${groups} groups, x is ${x.batch}x${x.length}x${x.channels}, ` +
        `y is ${y.batch}x${y.length}x${y.channels}`,
    );
  }
}

/** How a kernel reads FiLM: rows as long as x have values for every place. */
function filmOf(film: TrainedFilm | undefined, x: Rows): { readonly film: FilmKind; readonly filmByPlace?: true } {
  if (!film) return { film: 'none' };
  const { rows, gradients, kind } = film;
  const fits = rows.batch === x.batch && (rows.length === 1 || rows.length === x.length);
  if (!fits || !sameRows(rows, gradients) || rows.stride !== gradients.stride || rows.offset + gradients.offset !== 0) {
    throw new TypeError(
      `trained norm: FiLM rows ${rows.batch}x${rows.length}, one for each of ${x.batch} samples or of their ${x.length} places, begin their buffer; ` +
        'their gradients lie as they do',
    );
  }
  return { film: kind, ...(rows.length > 1 ? { filmByPlace: true } : {}) };
}

function probeOf(builder: PlanBuilder, name: string | undefined, x: Rows): Rows | undefined {
  return name !== undefined && builder.wantsProbe(name) ? newRows(builder, name, x.batch, x.length, x.channels) : undefined;
}

function shapeOf(builder: PlanBuilder, { affine, groups, film, x }: NormCall, y: Rows, other: Rows | undefined): Binding {
  const sizes: Record<(typeof NORM_SIZES)[number], number> = {
    batch: x.batch,
    places: x.length,
    channels: affine.channels,
    groups,
    group_channels: affine.channels / groups,
    film_offset: film?.offset ?? 0,
    film_row: film?.rows.stride ?? 0,
    x_offset: x.offset,
    x_row: x.stride,
    y_offset: y.offset,
    y_row: y.stride,
    other_offset: other?.offset ?? 0,
    other_row: other?.stride ?? 0,
  };
  return builder.shape(NORM_SIZES.map((name) => sizes[name]));
}
