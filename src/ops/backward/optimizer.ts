import { ADAM_WORKGROUP, adamKernel } from '../../../kernels/optimizer/adam.wgsl.js';
import { SQUARE_SUMS_SIZES, SQUARE_WORKGROUP, squareSumsKernel, squareWorkgroups } from '../../../kernels/optimizer/square-sums.wgsl.js';
import { STEP_RESULT_SIZES, STEP_RESULTS, stepResultKernel } from '../../../kernels/optimizer/step-result.wgsl.js';
import type { BufferHandle, PlanBuilder } from '../../runtime/plan-builder.js';

/** One arena of all parameters: the same place in every copy belongs to the same element. */
export interface ParameterArena {
  readonly weight: BufferHandle;
  readonly gradient: BufferHandle;
  readonly firstMoment: BufferHandle;
  readonly secondMoment: BufferHandle;
  readonly ema: BufferHandle | undefined;
  /** The weights rounded to f16, which the update writes and products read; undefined: they read the weights. */
  readonly halves?: BufferHandle | undefined;
}

/** Bytes of what a step says of itself. */
export const RESULT_BYTES = STEP_RESULTS.length * 4;

/** Records loss, norm of all gradients and clip factor into `result`. `losses`: f32 [samples]. */
export function recordStepResult(
  builder: PlanBuilder,
  arenas: readonly ParameterArena[],
  losses: BufferHandle,
  samples: number,
  step: BufferHandle,
  result: BufferHandle,
): void {
  const counts = arenas.map(({ gradient }) => squareWorkgroups(gradient.bytes / 16) * SQUARE_WORKGROUP);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const sums = builder.buffer('sums of squared gradients', total * 4);
  let first = 0;
  arenas.forEach(({ gradient }, index) => {
    const sizes: Record<(typeof SQUARE_SUMS_SIZES)[number], number> = { vectors: gradient.bytes / 16, first_sum: first };
    builder.dispatch(
      squareSumsKernel(),
      [builder.shape(SQUARE_SUMS_SIZES.map((name) => sizes[name])), { buffer: gradient }, { buffer: sums }],
      [squareWorkgroups(gradient.bytes / 16), 1, 1],
    );
    first += counts[index] as number;
  });
  const sizes: Record<(typeof STEP_RESULT_SIZES)[number], number> = { samples, square_sums: total };
  builder.dispatch(
    stepResultKernel(),
    [
      builder.shape(STEP_RESULT_SIZES.map((name) => sizes[name])),
      { buffer: step },
      { buffer: losses },
      { buffer: sums },
      { buffer: result },
    ],
    [1, 1, 1],
  );
}

/** Workgroups in a row of the grid: more than any dimension may have would not fit a large arena. */
const GRID_WIDTH = 32_768;

/** Records the update of all parameters, and of the moving average where `ema` says so. */
export function recordUpdate(
  builder: PlanBuilder,
  arenas: readonly ParameterArena[],
  step: BufferHandle,
  result: BufferHandle,
  ema: boolean,
): void {
  for (const arena of arenas) {
    const workgroups = Math.ceil(arena.weight.bytes / 16 / ADAM_WORKGROUP);
    const width = Math.min(workgroups, GRID_WIDTH);
    builder.dispatch(
      adamKernel(ema, arena.halves !== undefined),
      [
        { buffer: step },
        { buffer: result },
        { buffer: arena.gradient },
        { buffer: arena.weight },
        { buffer: arena.firstMoment },
        { buffer: arena.secondMoment },
        ...(ema && arena.ema ? [{ buffer: arena.ema }] : []),
        ...(arena.halves ? [{ buffer: arena.halves }] : []),
      ],
      [width, Math.ceil(workgroups / width), 1],
    );
  }
}
