import { loadPredictor, recordPredictor } from '../../networks/predictor/predictor.js';
import type { ComputeDevice } from '../../runtime/device.js';
import { tokens } from '../../runtime/tensor.js';
import type { PredictorShape } from '../../spec/network-shapes.js';
import { forwardPlan } from './forward-plan.js';

/** Predictions of one batch size, by the very dispatches that decisions are made with. */
export interface PredictorForward {
  readonly batchSize: number;
  /** previous f32 [batch][H][D], observation f32 [batch][To][O] → f32 [batch][H][D], all normalised. */
  predict(previous: Float32Array, observation: Float32Array): Promise<Float32Array>;
  destroy(): void;
}

/** Brings a predictor to the device as a policy would. `weights`: all of its tensors by name, position tables included. */
export async function predictorForward(
  device: ComputeDevice,
  shape: PredictorShape,
  weights: ReadonlyMap<string, Float32Array>,
  batchSize: number,
): Promise<PredictorForward> {
  const { run, destroy } = await forwardPlan(device, 'predictor', weights, async (builder, loader) => {
    const predictor = await loadPredictor(loader, shape);
    const previous = tokens(builder, 'previous chunk', batchSize, shape.horizon, shape.actionDim);
    const observation = tokens(builder, 'observation', batchSize, shape.observationSteps, shape.observationDim);
    const prediction = tokens(builder, 'prediction', batchSize, shape.horizon, shape.actionDim);
    recordPredictor(builder, predictor, previous, observation, prediction);
    return { inputs: [previous, observation], prediction };
  });
  return { batchSize, predict: run, destroy };
}
