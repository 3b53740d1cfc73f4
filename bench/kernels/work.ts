import { unetTensorShapes } from '../../src/checkpoints/lerobot/unet-tensors.js';
import { predictorTensorShapes } from '../../src/checkpoints/predictor/predictor-tensors.js';
import type { PredictorShape, UnetShape } from '../../src/spec/network-shapes.js';
import type { Precision } from '../../src/spec/precision.js';

/** Prefix of the predictor's tensors: both networks have a `cond_encoder`. */
export const PREDICTOR_PREFIX = 'predictor.';

/** Bytes of one weight in a matrix. */
export const WEIGHT_BYTES: Readonly<Record<Precision, number>> = { f32: 4, f16: 2, int8: 1 };

/** A matrix of a network and what is computed with it in one use. */
export interface MatrixWork {
  /** As PyTorch stores it. */
  readonly shape: readonly number[];
  readonly elements: number;
  /** Columns (or tokens) that every weight is multiplied with, for one sample. */
  readonly columns: number;
}

/**
 * What the networks have to compute, from their architecture alone: whatever the kernels are and however they are fused,
 * a matrix of n weights over T columns is n · T multiply-adds. Padding that meets a weight counts as a column.
 */
export class NetworkWork {
  readonly #matrices: ReadonlyMap<string, MatrixWork>;

  constructor(unet: UnetShape, predictor: PredictorShape) {
    this.#matrices = new Map([...unetMatrices(unet), ...predictorMatrices(predictor)]);
  }

  /**
   * The matrix behind a buffer, by the label it was uploaded with; undefined for vectors and tables. A buffer may hold a
   * part of its tensor (attention's joint projections): `bytes` says how much.
   */
  matrix(label: string, bytes: number, precision: Precision): MatrixWork | undefined {
    const whole = this.#matrices.get(label);
    if (!whole) return undefined;
    // The smaller of both: output channels are padded to four, and a layer may be stored with more bytes than the others.
    const elements = Math.min(whole.elements, bytes / WEIGHT_BYTES[precision]);
    return { ...whole, elements };
  }
}

export function matrixOf(shape: readonly number[], columns: number): MatrixWork {
  return { shape, elements: shape.reduce((product, size) => product * size, 1), columns };
}

function* unetMatrices(unet: UnetShape): Generator<[string, MatrixWork]> {
  let filmRows = 0;
  for (const [name, shape] of unetTensorShapes(unet)) {
    if (shape.length < 2 || name.startsWith('diffusion_step_encoder')) continue;
    if (name.includes('cond_encoder')) filmRows += shape[0] ?? 0;
    else yield [name, matrixOf(shape, unetColumns(name, unet))];
  }
  // The engine joins the projections of all blocks and splits them into these two.
  yield ['FiLM weights of the observation', matrixOf([filmRows, unet.conditioningDim], 1)];
  yield ['FiLM weights of the timestep', matrixOf([filmRows, unet.stepEmbedDim], 1)];
}

/** Length at which a layer runs: its output, or the input of a transposed convolution. */
function unetColumns(name: string, { horizon, downDims }: UnetShape): number {
  const last = downDims.length - 1;
  const [module = '', index = '0', part = '0'] = name.split('.');
  switch (module) {
    case 'down_modules':
      return horizon / 2 ** (Number(index) + (part === '2' ? 1 : 0));
    case 'mid_modules':
      return horizon / 2 ** last;
    case 'up_modules':
      return horizon / 2 ** (last - Number(index));
    default:
      return horizon;
  }
}

function* predictorMatrices(predictor: PredictorShape): Generator<[string, MatrixWork]> {
  const { horizon, historySteps, observationSteps } = predictor;
  const memory = historySteps + observationSteps;
  for (const [name, shape] of predictorTensorShapes(predictor)) {
    if (shape.length !== 2) continue;
    const columns = name.startsWith('prev_action_embed')
      ? historySteps
      : name.startsWith('obs_embed')
        ? observationSteps
        : name.startsWith('cond_encoder') || name.includes('cross_attn.in_proj')
          ? memory
          : horizon;
    yield [PREDICTOR_PREFIX + name, matrixOf(shape, columns)];
  }
}
