import { SPREAD_SIZES, SPREAD_WORKGROUP, spreadRowsKernel } from '../../../kernels/backward/spread-rows.wgsl.js';
import type { PlanBuilder } from '../../runtime/plan-builder.js';
import type { Rows } from '../../runtime/rows.js';
import { lineOf } from '../grid.js';

/** Records y[b, t, first + c] = x[b, c] for every place t of a sample: x has one place, and y room for its channels from `first` on. */
export function recordSpreadRows(builder: PlanBuilder, x: Rows, y: Rows, first: number): void {
  if (x.length !== 1 || x.batch !== y.batch || first + x.channels > y.channels) {
    throw new TypeError(
      `spread_rows: ${x.batch}x${x.length}x${x.channels} does not fit into ${y.batch}x${y.length}x${y.channels} from channel ${first} on`,
    );
  }
  const rows = y.batch * y.length;
  const sizes: Record<(typeof SPREAD_SIZES)[number], number> = {
    rows,
    places: y.length,
    channels: x.channels,
    x_offset: x.offset,
    x_row: x.stride,
    y_offset: y.offset + first,
    y_row: y.stride,
  };
  builder.dispatch(
    spreadRowsKernel(),
    [builder.shape(SPREAD_SIZES.map((name) => sizes[name])), { buffer: x.buffer }, { buffer: y.buffer }],
    lineOf(rows * x.channels, SPREAD_WORKGROUP),
  );
}
