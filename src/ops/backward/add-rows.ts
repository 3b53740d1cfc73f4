import { addRowsKernel, addRowsShape } from '../../../kernels/backward/add-rows.wgsl.js';
import type { Binding, PlanBuilder } from '../../runtime/plan-builder.js';
import type { Tensor } from '../../runtime/tensor.js';
import { INVOCATIONS } from './grid.js';

export interface AddRowsCall {
  /** f32 [tokens][channels] each; their sum is what is added or copied. */
  readonly rows: readonly [Binding] | readonly [Binding, Binding];
  readonly y: Tensor;
  /** Whether y keeps what it has. */
  readonly accumulate: boolean;
}

/** Records y = (y +) rows, the same ones for every sample. */
export function recordAddRows(builder: PlanBuilder, { rows, y, accumulate }: AddRowsCall): void {
  builder.dispatch(
    addRowsKernel({ accumulate, more: rows.length === 2, invocations: INVOCATIONS }),
    [builder.shape(addRowsShape(y.length, y.channels, y.layout)), ...rows, { buffer: y.buffer }],
    [Math.ceil((y.length * y.channels) / INVOCATIONS), 1, y.batch],
  );
}
