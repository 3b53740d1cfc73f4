import type { BufferRange } from '../../ops/sampling.js';
import type { PlanBuilder } from '../../runtime/plan-builder.js';
import { asTokens, type Tensor } from '../../runtime/tensor.js';
import type { PredictorKind } from '../../strategies/strategy.js';

/** What a start may read. */
export interface StartInputs {
  /** Previous chunk, f32 [b][horizon][actionDim], normalised. */
  readonly history: BufferRange;
  /** Conditioning, tokens [b][observationSteps][frameWidth], normalised. */
  readonly frames: Tensor;
  /** Rows of `rowWidth` values, f32 [b][observationSteps][rowWidth]. */
  readonly rows: BufferRange;
  /** f32 [b][latentDim]. */
  readonly latent: BufferRange;
  /** The decision's initial noise, standard normal f32 [b][horizon][actionDim]: for starts that scale it by what they predict. */
  readonly noise: BufferRange;
}

/**
 * What turns the previous chunk, or a latent, into a prediction of the next chunk, for a decision to start from. Weights belong to the
 * networks that it was loaded with, and are freed with them.
 */
export interface Start {
  /** As `policy.info.predictor` reports it. */
  readonly kind: PredictorKind;
  /** Values of a row that it reads of each frame in place of the conditioning; 0: none. */
  readonly rowWidth: number;
  /** Random values that it reads; 0: none. */
  readonly latentDim: number;
  /** Factor on those that are drawn. */
  readonly latentStd: number;
  /** Records prediction = start(inputs). prediction: tokens [b][horizon][actionDim]. */
  record(builder: PlanBuilder, inputs: StartInputs, prediction: Tensor): void;
}

/** A range read as [b][length][channels]. */
export function rangeAsTokens({ buffer, offset }: BufferRange, batch: number, length: number, channels: number): Tensor {
  const tensor = asTokens(buffer, batch, length, channels);
  return { ...tensor, layout: { ...tensor.layout, offset: offset / 4 } };
}
