import { sumBlocksKernel, sumBlocksShape } from '../../../kernels/backward/sum-blocks.wgsl.js';
import type { Binding, BufferHandle, PlanBuilder } from '../../runtime/plan-builder.js';
import { INVOCATIONS, lineOf } from './grid.js';

export interface SumBlocksCall {
  readonly partial: BufferHandle;
  /** Values of a block that are summed. */
  readonly elements: number;
  readonly blocks: number;
  /** Elements between two blocks. */
  readonly stride: number;
  /** First element of the first block. */
  readonly first: number;
  readonly sum: Binding;
  /** First element of the sum. */
  readonly sumFirst: number;
}

/** Records sum = sum + Σ blocks. */
export function recordSumBlocks(builder: PlanBuilder, { partial, elements, blocks, stride, first, sum, sumFirst }: SumBlocksCall): void {
  builder.dispatch(
    sumBlocksKernel(INVOCATIONS),
    [builder.shape(sumBlocksShape(elements, blocks, stride, first, sumFirst)), { buffer: partial }, sum],
    lineOf(elements),
  );
}
