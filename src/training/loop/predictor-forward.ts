import { TOKEN_PROJECTION } from '../../checkpoints/predictor/small-encoder-tensors.js';
import { loadPredictor, recordPredictor } from '../../networks/predictor/predictor.js';
import { loadLinear, recordConv1d } from '../../ops/conv1d.js';
import type { ComputeDevice } from '../../runtime/device.js';
import { tokens } from '../../runtime/tensor.js';
import type { PredictorShape, RawRows } from '../../spec/network-shapes.js';
import { isProjected } from '../predictor/image-front.js';
import { forwardPlan } from './forward-plan.js';
import { type ForwardRows, recordForwardRows } from './rows-forward.js';

/** Predictions of one batch size, by the very dispatches that decisions are made with. */
export interface PredictorForward {
  readonly batchSize: number;
  /**
   * previous f32 [batch][H][D], observation f32 [batch][To][O] → f32 [batch][H][D], all normalised. Of a network with an image encoder of its own,
   * observation is [batch][To][vectors] in raw units, and pictures are [batch][To] of each camera.
   */
  predict(previous: Float32Array, observation: Float32Array, pictures?: readonly Uint8Array[]): Promise<Float32Array>;
  destroy(): void;
}

/**
 * Brings a predictor to the device as a policy would. `weights`: all of its tensors by name, position tables included, those of the transformer
 * without the prefix that they have beside an image encoder. `rows`: of a predictor with one.
 */
export async function predictorForward(
  device: ComputeDevice,
  shape: PredictorShape,
  weights: ReadonlyMap<string, Float32Array>,
  batchSize: number,
  rows?: RawRows,
): Promise<PredictorForward> {
  const { observationSteps, observationDim } = shape;
  let front: ForwardRows | undefined;
  const { run, destroy } = await forwardPlan(device, 'predictor', weights, async (builder, loader) => {
    const predictor = await loadPredictor(loader, shape);
    const previous = tokens(builder, 'previous chunk', batchSize, shape.horizon, shape.actionDim);
    const observation = tokens(builder, 'observation', batchSize, observationSteps, observationDim);
    const prediction = tokens(builder, 'prediction', batchSize, shape.horizon, shape.actionDim);
    front = rows && (await recordForwardRows(builder, loader, rows, batchSize, observationSteps));
    const projects = rows !== undefined && isProjected(shape, rows);
    if (front && projects) {
      const projection = await loadLinear(loader, TOKEN_PROJECTION, rows.width, observationDim);
      recordConv1d(builder, projection, { x: front.rows, y: observation });
    }
    recordPredictor(builder, predictor, previous, front && !projects ? front.rows : observation, prediction);
    return { inputs: [previous, ...(front?.inputs ?? [observation])], prediction };
  });
  return {
    batchSize,
    predict: (previous, observation, pictures = []) => run(previous, ...(front?.pack(observation, pictures) ?? [observation])),
    destroy,
  };
}
