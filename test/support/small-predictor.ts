import { positionTable } from '../../src/checkpoints/predictor/write-predictor.js';
import type { PredictorShape } from '../../src/spec/network-shapes.js';
import { predictorParameters } from '../../src/training/predictor/parameters.js';
import type { PredictorBatch } from '../../src/training/training-step.js';
import { referencePredictor } from './reference-networks.js';
import { Normals, type Values, valueAt, valuesOf } from './values.js';

/** A predictor of odd sizes that trains in an instant; its history is the end of the previous chunk. */
export const SMALL_PREDICTOR: PredictorShape = {
  actionDim: 3,
  observationDim: 5,
  horizon: 5,
  observationSteps: 2,
  historySteps: 3,
  encoderLayers: 1,
  decoderLayers: 2,
  modelDim: 12,
  heads: 3,
  feedforwardDim: 20,
};

export function smallWeights(seed: number): Map<string, Float32Array> {
  const normals = new Normals(seed);
  return new Map(
    predictorParameters(SMALL_PREDICTOR).map(({ name, shape }) => {
      const values = normals.floats(
        shape.reduce((product, size) => product * size, 1),
        0.4,
      );
      // Scales of norms are around 1.
      return [name, /norm\d?\.weight$|output_norm\.weight$/.test(name) ? values.map((value) => 1 + value) : values];
    }),
  );
}

export function smallBatch(seed: number, size: number, count = size): PredictorBatch {
  const normals = new Normals(seed);
  const { horizon, actionDim, observationSteps, observationDim } = SMALL_PREDICTOR;
  return {
    count,
    previous: normals.floats(size * horizon * actionDim),
    observation: normals.floats(size * observationSteps * observationDim),
    target: normals.floats(size * horizon * actionDim),
    dropout: null,
  };
}

/** The loss in float64: mean of squared differences over the samples that count. */
export function referenceLoss(
  weights: ReadonlyMap<string, Float32Array>,
  { count, previous, observation, target }: PredictorBatch,
): number {
  const { horizon, historySteps, actionDim, observationSteps, observationDim, modelDim } = SMALL_PREDICTOR;
  const tensors = {
    ...Object.fromEntries(weights),
    'pos_encoder_action.pe': positionTable(horizon, modelDim),
    'pos_encoder_obs.pe': positionTable(observationSteps, modelDim),
  };
  const rows = (values: Float32Array, length: number, channels: number, first: number, used: number): Values =>
    valuesOf(count, channels, used, (b, c, t) => values[(b * length + first + t) * channels + c] as number);
  const found = referencePredictor(
    tensors,
    SMALL_PREDICTOR,
    rows(previous, horizon, actionDim, horizon - historySteps, historySteps),
    rows(observation, observationSteps, observationDim, 0, observationSteps),
  );
  const wanted = rows(target, horizon, actionDim, 0, horizon);
  const squares = valuesOf(count, actionDim, horizon, (b, c, t) => (valueAt(found, b, c, t) - valueAt(wanted, b, c, t)) ** 2);
  return squares.data.reduce((sum, value) => sum + value, 0) / squares.data.length;
}

/** Central difference of the loss in float64 along one element of a tensor, over the step that f32 can hold. */
export function lossSlope(weights: ReadonlyMap<string, Float32Array>, batch: PredictorBatch, name: string, element: number): number {
  const at = (by: number): { readonly value: number; readonly loss: number } => {
    const tensor = (weights.get(name) as Float32Array).slice();
    tensor[element] = (tensor[element] as number) + by;
    return { value: tensor[element] as number, loss: referenceLoss(new Map([...weights, [name, tensor]]), batch) };
  };
  const [above, below] = [at(1e-3), at(-1e-3)];
  return (above.loss - below.loss) / (above.value - below.value);
}
