import { recordInputGradient, recordProduct, type TrainedGeometry } from '../../ops/backward/rows-product.js';
import { recordNormBackward, recordNormForward, statisticsBytes, type TrainedFilm } from '../../ops/backward/trained-norm.js';
import { recordVectorGradient, recordWeightGradient } from '../../ops/backward/weight-gradient.js';
import type { BufferHandle } from '../../runtime/plan-builder.js';
import { newRows, probeRows, type Rows } from '../../runtime/rows.js';
import type { PassRecorder } from './layers.js';

/** What the backward pass of a convolution, norm and Mish needs: what went in, what the norm saw, and its statistics. */
export interface ConvBlockTape {
  readonly key: string;
  readonly kernelSize: number;
  readonly groups: number;
  readonly film: TrainedFilm | undefined;
  readonly x: Rows;
  readonly convolved: Rows;
  readonly statistics: BufferHandle;
}

export interface ConvBlockCall {
  /** Name of the block in the state dict, e.g. `down_modules.0.1.conv1`. */
  readonly key: string;
  readonly kernelSize: number;
  readonly groups: number;
  readonly film?: TrainedFilm;
  readonly x: Rows;
  readonly y: Rows;
  readonly residual?: Rows;
}

/** Records y = film(mish(group_norm(conv(x)))) + residual. */
export function recordConvBlock({ builder, parameters }: PassRecorder, call: ConvBlockCall): ConvBlockTape {
  const { key, kernelSize, groups, film, x, y, residual } = call;
  const affine = parameters.vectors(key);
  const convolved = newRows(builder, `${key} conv`, x.batch, x.length, affine.channels);
  recordProduct(builder, {
    matrix: parameters.matrix(`${key}.block.0`),
    geometry: samePlaces(kernelSize),
    x,
    y: convolved,
    bias: { vectors: affine, index: 2 },
  });
  probeRows(builder, `activation.${key}.block.0`, convolved);
  const statistics = builder.buffer(`${key} statistics`, statisticsBytes(x.batch, groups));
  recordNormForward(builder, { affine, groups, film, x: convolved, statistics, y, residual, probe: `activation.${key}` });
  return { key, kernelSize, groups, film, x, convolved, statistics };
}

/**
 * Records its backward pass for the gradient dy of y: all gradients of its parameters and of FiLM, and into dx, where it is given, the
 * gradient of x plus `addend`. What dy is to the residual is the caller's affair.
 */
export function recordConvBlockBackward(recorder: PassRecorder, tape: ConvBlockTape, dy: Rows, dx: Rows | undefined, addend?: Rows): void {
  const { builder, parameters, scratch, step } = recorder;
  const { key, kernelSize, groups, film, x, convolved, statistics } = tape;
  const affine = parameters.vectors(key);
  const matrix = parameters.matrix(`${key}.block.0`);
  const geometry = samePlaces(kernelSize);
  const dconvolved = scratch.take(dy.batch, dy.length, affine.channels);
  const sums = scratch.take(dy.batch, 1, 3 * affine.channels);
  const probe = `grad_activation.${key}`;
  recordNormBackward(builder, { affine, groups, film, x: convolved, statistics, dy, dx: dconvolved, sums, probe });
  probeRows(builder, `${probe}.block.0`, dconvolved);
  if (!parameters.isFrozen) recordVectorGradient(builder, affine, 0, sums, step);
  scratch.giveBack(sums);
  if (!parameters.isFrozen) recordWeightGradient(builder, { matrix, geometry, x, dy: dconvolved, step });
  if (dx) recordInputGradient(builder, { matrix, geometry, x: dconvolved, y: dx, addend });
  scratch.giveBack(dconvolved);
}

function samePlaces(kernelSize: number): TrainedGeometry {
  return { stride: 1, padding: kernelSize >> 1, transposed: false };
}
