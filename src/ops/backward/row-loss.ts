import { ROW_LOSS_SIZES, ROW_LOSS_WORKGROUP, type RowLossKind, rowLossKernel } from '../../../kernels/backward/row-loss.wgsl.js';
import type { Binding, BufferHandle, PlanBuilder } from '../../runtime/plan-builder.js';
import { type Rows, sameRows } from '../../runtime/rows.js';

export interface RowLossCall {
  readonly kind: RowLossKind;
  /** δ of the Huber loss. */
  readonly delta?: number;
  readonly y: Rows;
  readonly target: Rows;
  /** f32 [b · length]. */
  readonly weights: Binding;
  readonly dy: Rows;
  /** f32, of which those from `firstLoss` on are written, one for each sample. */
  readonly losses: BufferHandle;
  readonly firstLoss?: number;
  readonly step: BufferHandle;
}

/** Records a weighted loss of every sample, and the gradient of y. */
export function recordRowLoss(builder: PlanBuilder, call: RowLossCall): void {
  const { kind, delta = 0, y, target, weights, dy, losses, firstLoss = 0, step } = call;
  if (!sameRows(y, target) || !sameRows(y, dy)) throw new TypeError('row_loss: y, target and dy have one shape');
  if (kind === 'huber' && !(delta > 0)) throw new TypeError('row_loss: a Huber loss needs a positive δ');
  const sizes: Record<(typeof ROW_LOSS_SIZES)[number], number> = {
    samples: y.batch,
    places: y.length,
    channels: y.channels,
    y_offset: y.offset,
    y_row: y.stride,
    target_offset: target.offset,
    target_row: target.stride,
    dy_offset: dy.offset,
    dy_row: dy.stride,
    first_loss: firstLoss,
    delta: new Uint32Array(Float32Array.of(delta).buffer)[0] as number,
  };
  builder.dispatch(
    rowLossKernel(kind),
    [
      builder.shape(ROW_LOSS_SIZES.map((name) => sizes[name])),
      { buffer: step },
      { buffer: y.buffer },
      { buffer: target.buffer },
      weights,
      { buffer: dy.buffer },
      { buffer: losses },
    ],
    [Math.ceil(y.batch / ROW_LOSS_WORKGROUP), 1, 1],
  );
}
