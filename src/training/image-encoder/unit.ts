import type { ConvNormShape } from '../../networks/image-encoder/shape.js';
import { type BatchNormTape, recordBatchNormBackward, recordBatchNormForward } from '../../ops/backward/batch-norm.js';
import { type MapNormTape, recordMapNormBackward, recordMapNormForward } from '../../ops/backward/map-layers.js';
import { type Maps, newMaps, recordMapInputGradient, recordMapProduct, recordMapWeightGradient } from '../../ops/backward/maps.js';
import type { Binding, BufferHandle } from '../../runtime/plan-builder.js';
import type { Rows } from '../../runtime/rows.js';
import type { PassRecorder } from '../unet/layers.js';

/** Channels of a group of the group norms. */
const GROUP_CHANNELS = 16;

/** What encoders are recorded with. */
export interface EncoderRecorder extends PassRecorder {
  /** Of encoders with batch norms; others have group norms. */
  readonly batchNorms: BatchNormRecorder | undefined;
}

export interface BatchNormRecorder {
  /** Uniform of `batchNormMode`. */
  readonly mode: BufferHandle;
  /** Running mean and variance of a norm, by its name with the encoder's prefix. */
  running(norm: string): Binding;
}

type NormTape = { readonly kind: 'group'; readonly tape: MapNormTape } | { readonly kind: 'batch'; readonly tape: BatchNormTape };

/** Kept of a convolution and its norm: what went in, what the norm saw with its statistics, and what came out. */
export interface UnitTape {
  readonly key: string;
  readonly shape: ConvNormShape;
  readonly x: Maps;
  readonly convolved: Maps;
  readonly norm: NormTape;
  readonly y: Maps;
}

/** Records y = relu(norm(conv(x)) + residual). */
export function recordUnit(
  { builder, parameters, batchNorms }: EncoderRecorder,
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
  const call = { x: convolved.rows, affine, residual, relu, y: y.rows };
  const norm: NormTape = batchNorms
    ? {
        kind: 'batch',
        tape: recordBatchNormForward(builder, key, { ...call, mode: batchNorms.mode, running: batchNorms.running(prefix + shape.norm) }),
      }
    : { kind: 'group', tape: recordMapNormForward(builder, key, { ...call, groupChannels: GROUP_CHANNELS }) };
  return { key, shape, x, convolved, norm, y };
}

/** Records its backward pass: gradients of its parameters, of the residual where there is one, and of x, plus `addend`, where it is wanted. */
export function recordUnitGradient(
  { builder, parameters, scratch, step }: EncoderRecorder,
  { key, shape, x, convolved, norm }: UnitTape,
  dy: Rows,
  { dx, addend, dresidual }: { readonly dx?: Rows; readonly addend?: Rows; readonly dresidual?: Rows },
): void {
  const { batch, length, channels } = convolved.rows;
  const dconvolved = { ...convolved, rows: scratch.take(batch, length, channels) };
  if (norm.kind === 'batch') {
    recordBatchNormBackward(builder, norm.tape, { dy, dx: dconvolved.rows, dresidual, step });
  } else {
    const sums = scratch.take(batch, 1, 2 * channels);
    recordMapNormBackward(builder, norm.tape, { dy, dx: dconvolved.rows, dresidual, sums, step });
    scratch.giveBack(sums);
  }
  const matrix = parameters.matrix(key);
  recordMapWeightGradient(builder, { matrix, geometry: shape.layer, x, dy: dconvolved, step });
  if (dx) recordMapInputGradient(builder, { matrix, geometry: shape.layer, x: dconvolved, y: { ...x, rows: dx }, addend });
  scratch.giveBack(dconvolved.rows);
}
