import { PRODUCT_LANES, ROWS_PRODUCT_SIZES, rowsProductKernel } from '../../../kernels/backward/rows-product.wgsl.js';
import { rowsProductTiledKernel } from '../../../kernels/backward/rows-product-tiled.wgsl.js';
import { convOutLength } from '../../../kernels/conv/taps.js';
import type { Binding, PlanBuilder } from '../../runtime/plan-builder.js';
import { type Rows, sameRows } from '../../runtime/rows.js';
import type { TrainedMatrix, TrainedVectors } from './trained-weights.js';
import { chooseProductCut } from './training-variants.js';

/** How a convolution or transposed convolution along time lies; a linear layer has one tap, stride 1 and no padding. */
export interface TrainedGeometry {
  readonly stride: number;
  readonly padding: number;
  readonly transposed: boolean;
}

export const LINEAR: TrainedGeometry = { stride: 1, padding: 0, transposed: false };

/** Where a bias lies among vectors that are trained together. */
export interface TrainedBias {
  readonly vectors: TrainedVectors;
  readonly index: number;
}

export interface ProductCall {
  readonly matrix: TrainedMatrix;
  readonly geometry: TrainedGeometry;
  readonly x: Rows;
  readonly y: Rows;
  readonly bias?: TrainedBias | undefined;
  /** Added to the sums: of the shape of y, in another buffer. */
  readonly addend?: Rows | undefined;
}

/** Records y = conv(x) + bias + addend over rows. */
export function recordProduct(builder: PlanBuilder, call: ProductCall): void {
  const { matrix, geometry, x, y } = call;
  const { taps, inChannels, outChannels } = matrix;
  const expected = convOutLength({ kernelSize: taps, ...geometry, inLength: x.length });
  check('rows_product', matrix, geometry, x, y, expected);
  if (x.channels !== inChannels || y.channels !== outChannels) throw channelsDiffer('rows_product', matrix, x, y);
  record(builder, { ...call, backwards: false });
}

/** Records the gradient of what went in: y = Wᵀ x, where x is the gradient of what came out and y has the shape of what went in. */
export function recordInputGradient(builder: PlanBuilder, call: Omit<ProductCall, 'bias'>): void {
  const { matrix, geometry, x, y } = call;
  const { taps, inChannels, outChannels } = matrix;
  const expected = convOutLength({ kernelSize: taps, ...geometry, inLength: y.length });
  check('input gradient', matrix, geometry, y, x, expected);
  if (x.channels !== outChannels || y.channels !== inChannels) throw channelsDiffer('input gradient', matrix, x, y);
  record(builder, { ...call, backwards: true });
}

function check(what: string, { taps }: TrainedMatrix, geometry: TrainedGeometry, input: Rows, output: Rows, expected: number): void {
  if (input.batch !== output.batch || output.length !== expected) {
    throw new TypeError(
      `${what}: ${taps} taps, stride ${geometry.stride}, padding ${geometry.padding} make ${expected} places of ${input.length}; ` +
        `what goes in is ${input.batch}x${input.length}, what comes out ${output.batch}x${output.length}`,
    );
  }
}

function channelsDiffer(what: string, { inChannels, outChannels }: TrainedMatrix, x: Rows, y: Rows): TypeError {
  return new TypeError(`${what}: weights ${inChannels} -> ${outChannels}, x has ${x.channels} channels, y has ${y.channels}`);
}

function record(builder: PlanBuilder, call: ProductCall & { readonly backwards: boolean }): void {
  const { matrix, geometry, bias, addend, backwards } = call;
  if (addend && !sameRows(addend, call.y)) throw new TypeError('rows_product: the addend must have the shape of y');
  // One tap and no stride: places do not matter, and all rows are one sample.
  const plain = matrix.taps === 1 && geometry.stride === 1 && geometry.padding === 0;
  const flat = (rows: Rows): Rows => (plain ? { ...rows, batch: 1, length: rows.batch * rows.length } : rows);
  const [x, y] = [flat(call.x), flat(call.y)];
  const scattered = geometry.transposed !== backwards;
  const { stride, padding } = geometry;
  const targetStep = scattered ? stride : 1;
  const places = Math.ceil(y.length / targetStep);
  const rows = y.batch * places;
  const cut = chooseProductCut({ rows, groups: Math.ceil(y.channels / 4) }, builder);
  const parameters = { backwards, bias: bias !== undefined, addend: addend !== undefined, halves: matrix.halves === true };
  const kernel = cut.kind === 'tiled' ? rowsProductTiledKernel(parameters, cut.tile) : rowsProductKernel(parameters, cut);
  const [columns, lanes] = cut.kind === 'tiled' ? [cut.tile.rows, cut.tile.lanes] : [cut.columns, PRODUCT_LANES];
  const sourceChannels = backwards ? matrix.outChannels : matrix.inChannels;
  const targetGroups = Math.ceil(y.channels / 4);
  const sizes: Record<(typeof ROWS_PRODUCT_SIZES)[number], number> = {
    batch: y.batch,
    places,
    source_length: x.length,
    source_step: scattered ? 1 : stride,
    target_length: y.length,
    target_step: targetStep,
    taps: matrix.taps,
    tap_step: targetStep,
    padding,
    scattered: scattered ? 1 : 0,
    source_groups: Math.ceil(sourceChannels / 4),
    target_groups: targetGroups,
    weight_row: matrix.rowStride / 4,
    weight_tap: matrix.tapStride / 4,
    bias_offset: bias ? bias.index * Math.ceil(bias.vectors.channels / 4) : 0,
    x_offset: x.offset / 4,
    x_row: x.stride / 4,
    y_offset: y.offset / 4,
    y_row: y.stride / 4,
    addend_offset: addend ? addend.offset / 4 : 0,
    addend_row: addend ? addend.stride / 4 : 0,
  };
  const bindings: Binding[] = [
    builder.shape(ROWS_PRODUCT_SIZES.map((name) => sizes[name])),
    { buffer: x.buffer },
    matrix.weight,
    ...(bias ? [bias.vectors.weight] : []),
    ...(addend ? [{ buffer: addend.buffer }] : []),
    { buffer: y.buffer },
  ];
  builder.dispatch(kernel, bindings, [Math.ceil(targetGroups / lanes), Math.ceil(rows / columns), targetStep]);
}
