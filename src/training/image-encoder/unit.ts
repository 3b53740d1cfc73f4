import type { ConvNormShape } from '../../networks/image-encoder/shape.js';
import { type MapNormTape, recordMapNormBackward, recordMapNormForward } from '../../ops/backward/map-layers.js';
import { type Maps, newMaps, recordMapInputGradient, recordMapProduct, recordMapWeightGradient } from '../../ops/backward/maps.js';
import type { Rows } from '../../runtime/rows.js';
import type { PassRecorder } from '../unet/layers.js';

/** Channels of a group of the group norms. */
const GROUP_CHANNELS = 16;

/** Kept of a convolution and its norm: what went in, what the norm saw with its statistics, and what came out. */
export interface UnitTape {
  readonly key: string;
  readonly shape: ConvNormShape;
  readonly x: Maps;
  readonly convolved: Maps;
  readonly norm: MapNormTape;
  readonly y: Maps;
}

/** Records y = relu(group_norm(conv(x)) + residual). */
export function recordUnit(
  { builder, parameters }: PassRecorder,
  prefix: string,
  shape: ConvNormShape,
  x: Maps,
  { relu, residual }: { readonly relu: boolean; readonly residual?: Rows },
): UnitTape {
  const { layer, height, width } = shape;
  const key = prefix + shape.conv;
  const made = { batch: x.rows.batch, channels: layer.outChannels, height, width };
  const convolved = newMaps(builder, `${key} conv`, made);
  recordMapProduct(builder, { matrix: parameters.matrix(key), geometry: layer, x, y: convolved });
  const y = newMaps(builder, key, made);
  const affine = parameters.vectors(prefix + shape.norm);
  const call = { x: convolved.rows, affine, groupChannels: GROUP_CHANNELS, residual, relu, y: y.rows };
  return { key, shape, x, convolved, norm: recordMapNormForward(builder, key, call), y };
}

/** Records its backward pass: gradients of its parameters, of the residual where there is one, and of x, plus `addend`, where it is wanted. */
export function recordUnitGradient(
  { builder, parameters, scratch, step }: PassRecorder,
  { key, shape, x, convolved, norm }: UnitTape,
  dy: Rows,
  { dx, addend, dresidual }: { readonly dx?: Rows; readonly addend?: Rows; readonly dresidual?: Rows },
): void {
  const { batch, length, channels } = convolved.rows;
  const dconvolved = { ...convolved, rows: scratch.take(batch, length, channels) };
  const sums = scratch.take(batch, 1, 2 * channels);
  recordMapNormBackward(builder, norm, { dy, dx: dconvolved.rows, dresidual, sums, step });
  scratch.giveBack(sums);
  const matrix = parameters.matrix(key);
  recordMapWeightGradient(builder, { matrix, geometry: shape.layer, x, dy: dconvolved, step });
  if (dx) recordMapInputGradient(builder, { matrix, geometry: shape.layer, x: dconvolved, y: { ...x, rows: dx }, addend });
  scratch.giveBack(dconvolved.rows);
}
