import type { BufferRange } from '../../ops/sampling.js';
import type { PlanBuilder } from '../../runtime/plan-builder.js';
import type { Tensor } from '../../runtime/tensor.js';

/**
 * What turns the previous chunk into a prediction of the next one, for a decision to start from. Weights belong to the
 * networks that it was loaded with, and are freed with them.
 */
export interface Start {
  /** As `policy.info.predictor` reports it. */
  readonly kind: 'network' | 'shift';
  /**
   * Records prediction = start(history, frames).
   * history: f32 [b][horizon][actionDim], normalised. frames: tokens [b][observationSteps][frameWidth], normalised.
   * prediction: tokens [b][horizon][actionDim].
   */
  record(builder: PlanBuilder, history: BufferRange, frames: Tensor, prediction: Tensor): void;
}
