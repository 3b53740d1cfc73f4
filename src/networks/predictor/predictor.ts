import type { WeightLoader } from '../../ops/weight-source.js';
import type { PlanBuilder } from '../../runtime/plan-builder.js';
import { type Tensor, timeRange } from '../../runtime/tensor.js';
import { Uploader } from '../../runtime/uploader.js';
import type { PredictorShape } from '../../spec/network-shapes.js';
import { computeDecoderStart, recordPredictorLayers } from './predictor-layers.js';
import { fitsTokenKernels, type PredictorTokens, packPredictorTokens, recordPredictorTokens } from './predictor-tokens.js';
import { type DecoderStart, loadPredictorWeights, type PredictorWeights } from './predictor-weights.js';

/** The predictor on the device: an op of its own for each product, attention and norm, or a dispatch for each layer. */
export type Predictor = { readonly shape: PredictorShape } & (
  | { readonly kind: 'layers'; readonly weights: PredictorWeights; readonly decoderStart: DecoderStart }
  | { readonly kind: 'tokens'; readonly weights: PredictorTokens }
);

/**
 * Brings a predictor to the device. A GPU runs a dispatch per layer where the shape allows it: its time is what lies between
 * dependent dispatches. A software driver hardly notices these, and would read all weights once per token.
 */
export async function loadPredictor(loader: WeightLoader, shape: PredictorShape): Promise<Predictor> {
  const { device } = loader.uploader;
  if (device.deviceClass !== 'gpu' || !fitsTokenKernels(shape, loader.precision)) {
    const weights = await loadPredictorWeights(loader, shape);
    return { kind: 'layers', shape, weights, decoderStart: await computeDecoderStart(loader.uploader, weights, shape) };
  }
  const parts = new Uploader(device);
  try {
    const weights = await loadPredictorWeights({ ...loader, uploader: parts }, shape);
    return { kind: 'tokens', shape, weights: await packPredictorTokens(loader, parts, shape, weights) };
  } finally {
    parts.destroy();
  }
}

/**
 * Records prediction = predictor(history, observations).
 * history: tokens [b][horizon][actionDim], the whole previous chunk, normalised. observations: tokens
 * [b][observationSteps][observationDim], normalised. prediction: tokens [b][horizon][actionDim].
 */
export function recordPredictor(
  builder: PlanBuilder,
  predictor: Predictor,
  history: Tensor,
  observations: Tensor,
  prediction: Tensor,
): void {
  const { shape } = predictor;
  const used = timeRange(history, history.length - shape.historySteps, shape.historySteps);
  switch (predictor.kind) {
    case 'layers':
      recordPredictorLayers(builder, shape, predictor.weights, predictor.decoderStart, used, observations, prediction);
      return;
    case 'tokens':
      recordPredictorTokens(builder, shape, predictor.weights, used, observations, prediction);
      return;
    default:
      predictor satisfies never;
  }
}
