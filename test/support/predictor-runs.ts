import { roundToF16 } from '../../src/foundation/half.js';
import { loadPredictor, type Predictor, recordPredictor } from '../../src/networks/predictor/predictor.js';
import type { ComputeDevice } from '../../src/runtime/device.js';
import type { PredictorShape } from '../../src/spec/network-shapes.js';
import type { Precision } from '../../src/spec/precision.js';
import { referencePredictor, type Tensors } from './reference-networks.js';
import { runOp } from './run-op.js';
import { Normals, type Values, valueAt, valuesOf } from './values.js';

export const RELEASE: PredictorShape = {
  actionDim: 2,
  observationDim: 5,
  horizon: 8,
  observationSteps: 2,
  historySteps: 8,
  encoderLayers: 2,
  modelDim: 128,
  heads: 4,
  decoderLayers: 2,
  feedforwardDim: 256,
};
/** Layers that are neither first nor last, one head, an action wider than a vec4, a part of the history. */
export const THREE_LAYERS: PredictorShape = {
  actionDim: 6,
  observationDim: 23,
  horizon: 36,
  observationSteps: 1,
  historySteps: 20,
  encoderLayers: 3,
  modelDim: 16,
  heads: 1,
  decoderLayers: 3,
  feedforwardDim: 64,
};
export const ONE_LAYER: PredictorShape = {
  ...RELEASE,
  horizon: 4,
  historySteps: 1,
  encoderLayers: 1,
  decoderLayers: 1,
  modelDim: 20,
  heads: 5,
  feedforwardDim: 40,
};

export interface PredictorRun {
  readonly kind: Predictor['kind'];
  readonly dispatches: number;
  readonly prediction: Values;
}

/** Records and runs a predictor alone. */
export async function runPredictor(
  device: ComputeDevice,
  shape: PredictorShape,
  tensors: Tensors,
  precision: Precision,
  chunk: Values,
  observations: Values,
): Promise<PredictorRun> {
  let kind: Predictor['kind'] | undefined;
  let dispatches = 0;
  const results = await runOp(device, async ({ builder, loader, input, output }) => {
    const predictor = await loadPredictor(loader(tensors, precision), shape);
    const prediction = output('prediction', chunk.batch, shape.actionDim, shape.horizon, 'tokens');
    recordPredictor(builder, predictor, input(chunk, 'tokens'), input(observations, 'tokens'), prediction);
    kind = predictor.kind;
    dispatches = builder.segments.reduce((sum, segment) => sum + segment.dispatches.length, 0);
  });
  if (kind === undefined) throw new Error('nothing was recorded');
  return { kind, dispatches, prediction: results.values('prediction') };
}

export function inputs(shape: PredictorShape, batch: number): { chunk: Values; observations: Values } {
  const normals = new Normals(8);
  return {
    chunk: normals.values(batch, shape.actionDim, shape.horizon, 0.5),
    observations: normals.values(batch, shape.observationDim, shape.observationSteps, 0.3),
  };
}

/** In float64. */
export function expected(shape: PredictorShape, tensors: Tensors, chunk: Values, observations: Values): Values {
  const { actionDim, horizon, historySteps } = shape;
  const history = valuesOf(chunk.batch, actionDim, historySteps, (b, c, t) => valueAt(chunk, b, c, horizon - historySteps + t));
  return referencePredictor(tensors, shape, history, observations);
}

export function rounded(tensors: Tensors): Tensors {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, values]) => {
      const copy = values.slice();
      roundToF16(copy);
      return [name, copy];
    }),
  );
}

/** An f16 run is an f32 run over rounded weights. */
export const TOLERANCE = { atol: 2e-5, rtol: 2e-5 };
export const INT8_TOLERANCE = { atol: 0.1, rtol: 0 };
