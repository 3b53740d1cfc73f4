import { MAP_PRODUCT_SIZES, type MapProductParameters, mapProductKernel } from '../../../kernels/backward/map-product.wgsl.js';
import {
  MAP_GRADIENT_SLICE_SIZES,
  MAP_WEIGHT_GRADIENT_SIZES,
  mapWeightGradientKernel,
} from '../../../kernels/backward/map-weight-gradient.wgsl.js';
import { ROW_SUMS_SIZES, rowSumsKernel } from '../../../kernels/backward/row-sums.wgsl.js';
import { PRODUCT_LANES, type RowsProductCut } from '../../../kernels/backward/rows-product.wgsl.js';
import { GRADIENT_LANES } from '../../../kernels/backward/weight-gradient.wgsl.js';
import { type Binding, type BufferHandle, MAX_WORKGROUPS, type PlanBuilder } from '../../runtime/plan-builder.js';
import { isWhole, newRows, type Rows, rowSamples, sameRows } from '../../runtime/rows.js';
import { conv2dOutput } from '../conv2d.js';
import { lineOfOwners } from '../grid.js';
import type { TrainedBias } from './rows-product.js';
import { gradientOf, type TrainedMatrix } from './trained-weights.js';
import { mapGradientCut, mapGradientSliceRows, mapProductCut } from './training-variants-maps.js';

/** Rows whose places have two sides: place = row · width + column. */
export interface Maps {
  readonly rows: Rows;
  readonly height: number;
  readonly width: number;
}

/** A new buffer for maps. */
export function newMaps(
  builder: PlanBuilder,
  label: string,
  {
    batch,
    channels,
    height,
    width,
  }: { readonly batch: number; readonly channels: number; readonly height: number; readonly width: number },
): Maps {
  return { rows: newRows(builder, label, batch, height * width, channels), height, width };
}

/** A square window. */
export interface MapGeometry {
  readonly kernelSize: number;
  readonly stride: number;
  readonly padding: number;
}

export interface MapProductCall {
  readonly matrix: TrainedMatrix;
  readonly geometry: MapGeometry;
  readonly x: Maps;
  readonly y: Maps;
  readonly bias?: TrainedBias | undefined;
  /** Added to the sums; the shape of y, in another buffer. */
  readonly addend?: Rows | undefined;
}

/** Records y = conv2d(x) + bias + addend, or ReLU of it. */
export function recordMapProduct(builder: PlanBuilder, call: MapProductCall & { readonly relu?: boolean }): void {
  check('map_product', call.matrix, call.geometry, call.x, call.y);
  record(builder, call, { backwards: false, relu: call.relu ? 'applied' : undefined });
}

/**
 * Records the gradient of what went in: x is the gradient of what came out, y has the shape of what went in. `activated`: what ReLU made that
 * went in, rows of their own as y is: then y is the gradient of what ReLU read.
 */
export function recordMapInputGradient(builder: PlanBuilder, call: Omit<MapProductCall, 'bias'> & { readonly activated?: Rows }): void {
  check('map input gradient', call.matrix, call.geometry, call.y, call.x);
  const { activated, y } = call;
  if (activated && !(sameRows(activated, y.rows) && isWhole(activated) && isWhole(y.rows))) {
    throw new TypeError('map input gradient: what ReLU made lies as y does, both in buffers of their own');
  }
  record(builder, call, { backwards: true, relu: activated ? 'masked' : undefined, activated });
}

/** Records dw = Σ x dy, where `step` says so added to what is there. */
export function recordMapWeightGradient(
  builder: PlanBuilder,
  call: {
    readonly matrix: TrainedMatrix;
    readonly geometry: MapGeometry;
    readonly x: Maps;
    readonly dy: Maps;
    /** Uniform of step scalars. */
    readonly step: BufferHandle;
  },
): void {
  const { matrix, geometry, x, dy, step } = call;
  check('map_weight_gradient', matrix, geometry, x, dy);
  const [inGroups, outGroups] = [Math.ceil(matrix.inChannels / 4), Math.ceil(matrix.outChannels / 4)];
  const cut = mapGradientCut(inGroups, builder);
  const sizes: Record<(typeof MAP_WEIGHT_GRADIENT_SIZES)[number], number> = {
    rows: dy.rows.batch * dy.rows.length,
    height: dy.height,
    width: dy.width,
    source_height: x.height,
    source_width: x.width,
    stride: geometry.stride,
    padding: geometry.padding,
    kernel: geometry.kernelSize,
    in_groups: inGroups,
    out_groups: outGroups,
    weight_row: matrix.rowStride / 4,
    weight_tap: matrix.tapStride / 4,
    x_offset: x.rows.offset / 4,
    x_row: x.rows.stride / 4,
    dy_offset: dy.rows.offset / 4,
    dy_row: dy.rows.stride / 4,
  };
  const words = MAP_WEIGHT_GRADIENT_SIZES.map((name) => sizes[name]);
  const read = [{ buffer: x.rows.buffer }, { buffer: dy.rows.buffer }];
  const [wide, high] = [Math.ceil(outGroups / GRADIENT_LANES), Math.ceil(inGroups / cut.groups)];
  const sliceRows = mapGradientSliceRows({ workgroups: wide * high * matrix.taps, rows: sizes.rows }, builder);
  if (sliceRows >= sizes.rows) {
    const bindings = [builder.shape(words), { buffer: step }, ...read, gradientOf(matrix)];
    builder.dispatch(mapWeightGradientKernel(cut), bindings, [wide, high, matrix.taps]);
    return;
  }
  const slices = Math.ceil(sizes.rows / sliceRows);
  const weights = (matrix.taps * matrix.tapStride) / 4;
  const sliceSizes: Record<(typeof MAP_GRADIENT_SLICE_SIZES)[number], number> = { slice_rows: sliceRows, slice_weights: weights };
  const partial = builder.buffer('partial sums of a weight gradient', slices * weights * 16);
  const shape = builder.shape([...words, ...MAP_GRADIENT_SLICE_SIZES.map((name) => sliceSizes[name])]);
  builder.dispatch(mapWeightGradientKernel(cut, true), [shape, ...read, { buffer: partial }], [wide, high, matrix.taps * slices]);
  const sums: Record<(typeof ROW_SUMS_SIZES)[number], number> = { rows: slices, groups: weights, x_offset: 0, x_row: weights, y_offset: 0 };
  builder.dispatch(
    rowSumsKernel(1),
    [builder.shape(ROW_SUMS_SIZES.map((name) => sums[name])), { buffer: step }, { buffer: partial }, gradientOf(matrix)],
    lineOfOwners(1, weights),
  );
}

function check(what: string, { taps, inChannels, outChannels }: TrainedMatrix, geometry: MapGeometry, input: Maps, output: Maps): void {
  const { kernelSize } = geometry;
  const fits =
    taps === kernelSize ** 2 &&
    input.rows.channels === inChannels &&
    output.rows.channels === outChannels &&
    input.rows.batch === output.rows.batch &&
    output.height === conv2dOutput(geometry, input.height) &&
    output.width === conv2dOutput(geometry, input.width) &&
    [input, output].every(({ rows, height, width }) => rows.length === height * width);
  if (!fits) {
    const shown = ({ rows, height, width }: Maps): string => `${rows.batch}x${rows.channels}x${height}x${width}`;
    throw new TypeError(
      `${what}: weights ${inChannels} -> ${outChannels} with ${taps} taps, windows of ${kernelSize}, stride ${geometry.stride}; ` +
        `what goes in is ${shown(input)}, what comes out ${shown(output)}`,
    );
  }
}

/** How a product is recorded beside what it is of. */
interface ProductKind {
  readonly backwards: boolean;
  readonly relu: MapProductParameters['relu'];
  readonly activated?: Rows | undefined;
}

function record(builder: PlanBuilder, call: MapProductCall, kind: ProductKind): void {
  const { geometry, addend, x, y } = call;
  if (addend && !sameRows(addend, y.rows)) throw new TypeError('map_product: the addend must have the shape of y');
  const targetStep = kind.backwards ? geometry.stride : 1;
  const places = Math.ceil(y.height / targetStep) * Math.ceil(y.width / targetStep);
  const cut = mapProductCut(y.rows.batch * places, builder);
  // More workgroups than WebGPU allows side by side are several dispatches, each of some of the samples.
  const most = Math.max(1, Math.floor((MAX_WORKGROUPS * cut.columns) / places));
  for (let first = 0; first < y.rows.batch; first += most) {
    const some = (rows: Rows): Rows => rowSamples(rows, first, Math.min(most, y.rows.batch - first));
    const part = { ...call, x: { ...x, rows: some(x.rows) }, y: { ...y, rows: some(y.rows) }, addend: addend && some(addend) };
    recordSamples(builder, part, kind, cut);
  }
}

function recordSamples(builder: PlanBuilder, call: MapProductCall, kind: ProductKind, cut: RowsProductCut): void {
  const { matrix, geometry, bias, addend, x, y } = call;
  const { backwards, relu, activated } = kind;
  const targetStep = backwards ? geometry.stride : 1;
  const [placesHeight, placesWidth] = [Math.ceil(y.height / targetStep), Math.ceil(y.width / targetStep)];
  const targetGroups = Math.ceil(y.rows.channels / 4);
  const sizes: Record<(typeof MAP_PRODUCT_SIZES)[number], number> = {
    batch: y.rows.batch,
    places_height: placesHeight,
    places_width: placesWidth,
    source_height: x.height,
    source_width: x.width,
    source_step: backwards ? 1 : geometry.stride,
    target_height: y.height,
    target_width: y.width,
    target_step: targetStep,
    kernel: geometry.kernelSize,
    padding: geometry.padding,
    source_groups: Math.ceil(x.rows.channels / 4),
    target_groups: targetGroups,
    weight_row: matrix.rowStride / 4,
    weight_tap: matrix.tapStride / 4,
    bias_offset: bias ? bias.index * Math.ceil(bias.vectors.channels / 4) : 0,
    x_offset: x.rows.offset / 4,
    x_row: x.rows.stride / 4,
    y_offset: y.rows.offset / 4,
    y_row: y.rows.stride / 4,
    addend_offset: addend ? addend.offset / 4 : 0,
    addend_row: addend ? addend.stride / 4 : 0,
  };
  const bindings: Binding[] = [
    builder.shape(MAP_PRODUCT_SIZES.map((name) => sizes[name])),
    { buffer: x.rows.buffer },
    matrix.weight,
    ...(bias ? [bias.vectors.weight] : []),
    ...(addend ? [{ buffer: addend.buffer }] : []),
    ...(activated ? [{ buffer: activated.buffer }] : []),
    { buffer: y.rows.buffer },
  ];
  const parameters = { backwards, bias: bias !== undefined, addend: addend !== undefined, halves: matrix.halves === true, relu };
  builder.dispatch(mapProductKernel(parameters, cut), bindings, [
    Math.ceil(targetGroups / PRODUCT_LANES),
    Math.ceil((y.rows.batch * placesHeight * placesWidth) / cut.columns),
    targetStep ** 2,
  ]);
}
