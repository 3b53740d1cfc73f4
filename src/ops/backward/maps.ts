import { MAP_PRODUCT_SIZES, mapProductKernel } from '../../../kernels/backward/map-product.wgsl.js';
import { MAP_WEIGHT_GRADIENT_SIZES, mapWeightGradientKernel } from '../../../kernels/backward/map-weight-gradient.wgsl.js';
import { PRODUCT_LANES } from '../../../kernels/backward/rows-product.wgsl.js';
import { GRADIENT_LANES } from '../../../kernels/backward/weight-gradient.wgsl.js';
import type { Binding, BufferHandle, PlanBuilder } from '../../runtime/plan-builder.js';
import { newRows, type Rows, sameRows } from '../../runtime/rows.js';
import { conv2dOutput } from '../conv2d.js';
import type { TrainedBias } from './rows-product.js';
import { gradientOf, type TrainedMatrix } from './trained-weights.js';
import { mapGradientCut, mapProductCut } from './training-variants-maps.js';

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

/** Records y = conv2d(x) + bias + addend. */
export function recordMapProduct(builder: PlanBuilder, call: MapProductCall): void {
  check('map_product', call.matrix, call.geometry, call.x, call.y);
  record(builder, call, false);
}

/** Records the gradient of what went in: x is the gradient of what came out, y has the shape of what went in. */
export function recordMapInputGradient(builder: PlanBuilder, call: Omit<MapProductCall, 'bias'>): void {
  check('map input gradient', call.matrix, call.geometry, call.y, call.x);
  record(builder, call, true);
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
  builder.dispatch(
    mapWeightGradientKernel(cut),
    [
      builder.shape(MAP_WEIGHT_GRADIENT_SIZES.map((name) => sizes[name])),
      { buffer: step },
      { buffer: x.rows.buffer },
      { buffer: dy.rows.buffer },
      gradientOf(matrix),
    ],
    [Math.ceil(outGroups / GRADIENT_LANES), Math.ceil(inGroups / cut.groups), matrix.taps],
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

function record(builder: PlanBuilder, call: MapProductCall, backwards: boolean): void {
  const { matrix, geometry, bias, addend, x, y } = call;
  if (addend && !sameRows(addend, y.rows)) throw new TypeError('map_product: the addend must have the shape of y');
  const targetStep = backwards ? geometry.stride : 1;
  const [placesHeight, placesWidth] = [Math.ceil(y.height / targetStep), Math.ceil(y.width / targetStep)];
  const places = y.rows.batch * placesHeight * placesWidth;
  const cut = mapProductCut(places, builder);
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
    { buffer: y.rows.buffer },
  ];
  const parameters = { backwards, bias: bias !== undefined, addend: addend !== undefined, halves: matrix.halves === true };
  builder.dispatch(mapProductKernel(parameters, cut), bindings, [
    Math.ceil(targetGroups / PRODUCT_LANES),
    Math.ceil(places / cut.columns),
    targetStep ** 2,
  ]);
}
