import { ADD_ROWS_SIZES, ADD_WORKGROUP, addRowsKernel } from '../../../kernels/backward/add-rows.wgsl.js';
import { ERROR_SIZES, ERROR_WORKGROUP, meanSquaredErrorKernel } from '../../../kernels/backward/mean-squared-error.wgsl.js';
import { MISH_ROWS_SIZES, MISH_WORKGROUP, mishBackwardKernel, mishForwardKernel } from '../../../kernels/backward/mish-rows.wgsl.js';
import { NOISY_SAMPLE_SIZES, noisySampleKernel, SAMPLE_WORKGROUP } from '../../../kernels/backward/noisy-sample.wgsl.js';
import type { Binding, BufferHandle, PlanBuilder } from '../../runtime/plan-builder.js';
import { type Rows, sameRows } from '../../runtime/rows.js';
import { lineOf } from '../grid.js';

/** Records both = mish([first, second]) row by row; `second` may be left out. */
export function recordMishForward(builder: PlanBuilder, first: Rows, second: Rows | undefined, both: Rows): void {
  builder.dispatch(
    mishForwardKernel(second !== undefined),
    [
      mishShape(builder, first, second, both),
      { buffer: first.buffer },
      ...(second ? [{ buffer: second.buffer }] : []),
      { buffer: both.buffer },
    ],
    lineOf(both.batch * both.length * both.stride, MISH_WORKGROUP),
  );
}

/** A value of `recordMishForward` and its gradient, which lies as the value does. */
export interface ValueAndGradient {
  readonly value: Rows;
  readonly gradient: Rows;
}

/** Records its backward pass from the gradient of `both`. */
export function recordMishBackward(builder: PlanBuilder, dboth: Rows, first: ValueAndGradient, second?: ValueAndGradient): void {
  for (const { value, gradient } of second ? [first, second] : [first]) {
    if (!sameRows(value, gradient) || value.stride !== gradient.stride || gradient.offset !== 0) {
      throw new TypeError('mish_backward: gradients lie as their values do, in buffers of their own');
    }
  }
  builder.dispatch(
    mishBackwardKernel(second !== undefined),
    [
      mishShape(builder, first.value, second?.value, dboth),
      { buffer: first.value.buffer },
      ...(second ? [{ buffer: second.value.buffer }] : []),
      { buffer: dboth.buffer },
      { buffer: first.gradient.buffer },
      ...(second ? [{ buffer: second.gradient.buffer }] : []),
    ],
    lineOf(dboth.batch * dboth.length * dboth.stride, MISH_WORKGROUP),
  );
}

function mishShape(builder: PlanBuilder, first: Rows, second: Rows | undefined, both: Rows): Binding {
  const width = first.channels + (second?.channels ?? 0);
  if (width !== both.channels || both.offset !== 0) {
    throw new TypeError(`mish: ${width} channels do not make ${both.channels}, or they do not begin their buffer`);
  }
  const sizes: Record<(typeof MISH_ROWS_SIZES)[number], number> = {
    rows: both.batch * both.length,
    first_width: first.channels,
    second_width: second?.channels ?? 0,
    first_offset: first.offset,
    first_row: first.stride,
    second_offset: second?.offset ?? 0,
    second_row: second?.stride ?? 0,
    both_row: both.stride,
  };
  return builder.shape(MISH_ROWS_SIZES.map((name) => sizes[name]));
}

/** Records x = a · action + s · noise; all f32 [b][t][d], `coefficients` [b] of a and s. */
export function recordNoisySample(builder: PlanBuilder, action: Binding, noise: Binding, coefficients: Binding, x: Rows): void {
  const rows = x.batch * x.length;
  const sizes: Record<(typeof NOISY_SAMPLE_SIZES)[number], number> = { rows, places: x.length, channels: x.channels, row: x.stride };
  builder.dispatch(
    noisySampleKernel(),
    [builder.shape(NOISY_SAMPLE_SIZES.map((name) => sizes[name])), action, noise, coefficients, { buffer: x.buffer }],
    lineOf(rows * x.stride, SAMPLE_WORKGROUP),
  );
}

export interface ErrorCall {
  readonly y: Rows;
  /** f32 [b][t][d]. */
  readonly target: Binding;
  /** f32 [b][t], 1 where a row counts. */
  readonly counts: Binding;
  readonly dy: Rows;
  /** f32 [b]. */
  readonly losses: BufferHandle;
  readonly step: BufferHandle;
}

/** Records the mean squared error per sample, and its gradient. */
export function recordMeanSquaredError(builder: PlanBuilder, { y, target, counts, dy, losses, step }: ErrorCall): void {
  if (dy.stride !== y.stride || y.offset + dy.offset !== 0) throw new TypeError('mean_squared_error: the gradient lies as the output does');
  const sizes: Record<(typeof ERROR_SIZES)[number], number> = {
    rows: y.batch * y.length,
    places: y.length,
    channels: y.channels,
    row: y.stride,
  };
  builder.dispatch(
    meanSquaredErrorKernel(),
    [
      builder.shape(ERROR_SIZES.map((name) => sizes[name])),
      { buffer: step },
      { buffer: y.buffer },
      target,
      counts,
      { buffer: dy.buffer },
      { buffer: losses },
    ],
    [Math.ceil(y.batch / ERROR_WORKGROUP), 1, 1],
  );
}

/** Records y = a + b. */
export function recordAddRows(builder: PlanBuilder, a: Rows, b: Rows, y: Rows): void {
  if (!sameRows(a, b) || !sameRows(a, y)) throw new TypeError('add_rows: all three must have one shape');
  const rows = y.batch * y.length;
  const groups = Math.ceil(y.channels / 4);
  const place = (of: Rows): [number, number] => [of.offset / 4, of.stride / 4];
  const [[aOffset, aRow], [bOffset, bRow], [yOffset, yRow]] = [place(a), place(b), place(y)];
  const sizes: Record<(typeof ADD_ROWS_SIZES)[number], number> = {
    rows,
    groups,
    a_offset: aOffset,
    a_row: aRow,
    b_offset: bOffset,
    b_row: bRow,
    y_offset: yOffset,
    y_row: yRow,
  };
  builder.dispatch(
    addRowsKernel(),
    [builder.shape(ADD_ROWS_SIZES.map((name) => sizes[name])), { buffer: a.buffer }, { buffer: b.buffer }, { buffer: y.buffer }],
    lineOf(rows * groups, ADD_WORKGROUP),
  );
}
