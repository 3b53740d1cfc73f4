import { COMBINE_WORKGROUP, combineRowsKernel, combineSizes, MOST_OPERANDS } from '../../../kernels/backward/combine-rows.wgsl.js';
import type { Binding, PlanBuilder } from '../../runtime/plan-builder.js';
import { type Rows, sameRows } from '../../runtime/rows.js';
import { lineOf } from '../grid.js';

export interface CombineCall {
  /** One to four, of the shape of y, in other buffers than y. */
  readonly operands: readonly Rows[];
  /** f32: one for each operand, of every sample or (`perRow`) of every row. */
  readonly coefficients: Binding;
  readonly perRow?: boolean;
  readonly y: Rows;
}

/** Records y = Σ coefficient · operand, with coefficients of each sample or row. */
export function recordCombine(builder: PlanBuilder, { operands, coefficients, perRow = false, y }: CombineCall): void {
  if (operands.length < 1 || operands.length > MOST_OPERANDS || operands.some((rows) => !sameRows(rows, y))) {
    throw new TypeError(`combine_rows: expected 1 to ${MOST_OPERANDS} operands of the shape of y`);
  }
  const rows = y.batch * y.length;
  const places = perRow ? 1 : y.length;
  const groups = Math.ceil(y.channels / 4);
  const needed = (rows / places) * operands.length * 4;
  if (coefficients.bytes !== undefined && coefficients.bytes !== needed) {
    throw new TypeError(`combine_rows: expected ${needed} bytes of coefficients, found ${coefficients.bytes}`);
  }
  const own = Object.fromEntries(
    operands.flatMap(({ offset, stride }, i) => [
      [`x${i}_offset`, offset / 4],
      [`x${i}_row`, stride / 4],
    ]),
  );
  const sizes: Record<string, number> = { rows, places, groups, y_offset: y.offset / 4, y_row: y.stride / 4, ...own };
  builder.dispatch(
    combineRowsKernel(operands.length),
    [
      builder.shape(combineSizes(operands.length).map((name) => sizes[name] as number)),
      coefficients,
      ...operands.map(({ buffer }) => ({ buffer })),
      { buffer: y.buffer },
    ],
    lineOf(rows * groups, COMBINE_WORKGROUP),
  );
}
