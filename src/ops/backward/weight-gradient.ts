import { ROW_SUMS_SIZES, rowSumsKernel } from '../../../kernels/backward/row-sums.wgsl.js';
import { GRADIENT_LANES, WEIGHT_GRADIENT_SIZES, weightGradientKernel } from '../../../kernels/backward/weight-gradient.wgsl.js';
import { weightGradientTiledKernel } from '../../../kernels/backward/weight-gradient-tiled.wgsl.js';
import type { Binding, BufferHandle, PlanBuilder } from '../../runtime/plan-builder.js';
import type { Rows } from '../../runtime/rows.js';
import { lineOfOwners } from '../grid.js';
import type { TrainedGeometry } from './rows-product.js';
import { gradientOf, type TrainedMatrix, type TrainedVectors } from './trained-weights.js';
import { chooseGradientCut, sumMembers } from './training-variants.js';

export interface WeightGradientCall {
  readonly matrix: TrainedMatrix;
  readonly geometry: TrainedGeometry;
  /** What went in, and the gradient of what came out. */
  readonly x: Rows;
  readonly dy: Rows;
  /** Uniform of step scalars. */
  readonly step: BufferHandle;
}

/** Records dw = Σ x dy, where `step` says so added to what is there. */
export function recordWeightGradient(builder: PlanBuilder, call: WeightGradientCall): void {
  const { matrix, geometry, step } = call;
  if (call.x.channels !== matrix.inChannels || call.dy.channels !== matrix.outChannels || call.x.batch !== call.dy.batch) {
    throw new TypeError(
      `weight_gradient: weights ${matrix.inChannels} -> ${matrix.outChannels}; x is ${call.x.batch}x${call.x.channels}, dy is ${call.dy.batch}x${call.dy.channels}`,
    );
  }
  const plain = matrix.taps === 1 && geometry.stride === 1 && geometry.padding === 0;
  const flat = (rows: Rows): Rows => (plain ? { ...rows, batch: 1, length: rows.batch * rows.length } : rows);
  const [x, dy] = [flat(call.x), flat(call.dy)];
  const [still, shifted] = geometry.transposed ? [x, dy] : [dy, x];
  const inGroups = Math.ceil(matrix.inChannels / 4);
  const outGroups = Math.ceil(matrix.outChannels / 4);
  const cut = chooseGradientCut({ inGroups, outGroups, taps: matrix.taps, places: still.length }, builder);
  const parameters = { shifted: geometry.transposed ? 'output' : 'input' } as const;
  const kernel = cut.kind === 'tiled' ? weightGradientTiledKernel(parameters, cut.tile) : weightGradientKernel(parameters, cut);
  const [lanes, groups] = cut.kind === 'tiled' ? [cut.tile.lanes, cut.tile.groups] : [GRADIENT_LANES, cut.groups];
  const sizes: Record<(typeof WEIGHT_GRADIENT_SIZES)[number], number> = {
    rows: still.batch * still.length,
    places: still.length,
    shifted_length: shifted.length,
    stride: geometry.stride,
    padding: geometry.padding,
    in_groups: inGroups,
    out_groups: outGroups,
    weight_row: matrix.rowStride / 4,
    weight_tap: matrix.tapStride / 4,
    x_offset: x.offset / 4,
    x_row: x.stride / 4,
    dy_offset: dy.offset / 4,
    dy_row: dy.stride / 4,
  };
  const bindings: Binding[] = [
    builder.shape(WEIGHT_GRADIENT_SIZES.map((name) => sizes[name])),
    { buffer: step },
    { buffer: x.buffer },
    { buffer: dy.buffer },
    gradientOf(matrix),
  ];
  builder.dispatch(kernel, bindings, [Math.ceil(outGroups / lanes), Math.ceil(inGroups / groups), matrix.taps]);
}

/** Records the sum of all rows of x as the gradient of `count` vectors from number `first` on. */
export function recordVectorGradient(builder: PlanBuilder, vectors: TrainedVectors, first: number, x: Rows, step: BufferHandle): void {
  const width = Math.ceil(vectors.channels / 4);
  const groups = Math.ceil(x.channels / 4);
  if (first * width + groups > vectors.count * width) {
    throw new TypeError(`row_sums: ${x.channels} channels from vector ${first} on, there are ${vectors.count} of ${vectors.channels}`);
  }
  const rows = x.batch * x.length;
  const members = sumMembers(rows, builder.deviceClass);
  const sizes: Record<(typeof ROW_SUMS_SIZES)[number], number> = {
    rows,
    groups,
    x_offset: x.offset / 4,
    x_row: x.stride / 4,
    y_offset: first * width,
  };
  builder.dispatch(
    rowSumsKernel(members),
    [builder.shape(ROW_SUMS_SIZES.map((name) => sizes[name])), { buffer: step }, { buffer: x.buffer }, gradientOf(vectors)],
    lineOfOwners(members, groups),
  );
}
