import { type Conv1dWeights, loadLinear, loadLinearColumns, recordConv1d } from '../../ops/conv1d.js';
import { loadVector } from '../../ops/load-vector.js';
import type { WeightLoader } from '../../ops/weight-source.js';
import type { PlanBuilder } from '../../runtime/plan-builder.js';
import { asTokens, probeTensor, type Tensor, tokens } from '../../runtime/tensor.js';
import { CONDITION_PROJECTION, type CvaeShape, cvaeDecoderLayer, isProjected } from '../../spec/network-shapes.js';

/** The decoder of a CVAE on the device. */
export interface Cvae {
  readonly shape: CvaeShape;
  /** From all frames to the condition, where they are not the condition themselves. */
  readonly projection: Conv1dWeights | undefined;
  /** The first layer's columns for the latent, and those for the condition, with its bias. */
  readonly latent: Conv1dWeights;
  readonly condition: Conv1dWeights;
  /** The layers after the first. */
  readonly layers: readonly Conv1dWeights[];
}

export async function loadCvae(loader: WeightLoader, shape: CvaeShape): Promise<Cvae> {
  const { actionDim, horizon, observationDim, observationSteps, conditionDim, latentDim, hiddenDim, hiddenLayers } = shape;
  const projection = isProjected(shape)
    ? await loadLinear(loader, CONDITION_PROJECTION, observationDim * observationSteps, conditionDim)
    : undefined;
  const first = { inChannels: conditionDim + latentDim, outChannels: hiddenDim };
  const condition = await loadLinearColumns(loader, cvaeDecoderLayer(shape, 0), first, 0, conditionDim);
  const latent = await loadLinearColumns(loader, cvaeDecoderLayer(shape, 0), first, conditionDim, latentDim);
  const bias = await loadVector(loader, `${cvaeDecoderLayer(shape, 0)}.bias`);
  const layers: Conv1dWeights[] = [];
  for (let layer = 1; layer <= hiddenLayers; layer++) {
    layers.push(
      await loadLinear(loader, cvaeDecoderLayer(shape, layer), hiddenDim, layer === hiddenLayers ? horizon * actionDim : hiddenDim),
    );
  }
  return { shape, projection, latent, condition: { ...condition, bias }, layers };
}

/**
 * Records prediction = decoder([condition, latent]): linear layers with ReLU or ELU between them. The first one is a sum of two products, so that
 * condition and latent stay where they are.
 * frames: all values of the frames as one token [b][1][observationSteps · observationDim], oldest first. latent: one token of `latentDim`
 * per sample. prediction: tokens [b][horizon][actionDim]. Probe: `cond`.
 */
export function recordCvae(builder: PlanBuilder, cvae: Cvae, frames: Tensor, latent: Tensor, prediction: Tensor): void {
  const { shape, projection, layers } = cvae;
  const { conditionDim, hiddenDim, horizon, actionDim, activation } = shape;
  const { batch } = prediction;
  const token = (label: string, channels: number): Tensor => tokens(builder, label, batch, 1, channels);
  let condition = frames;
  if (projection) {
    condition = token('condition', conditionDim);
    recordConv1d(builder, projection, { x: frames, y: condition });
  }
  probeTensor(builder, 'cond', condition);
  const ofLatent = token('decoder, of the latent', hiddenDim);
  recordConv1d(builder, cvae.latent, { x: latent, y: ofLatent });
  let x = token('decoder layer 0', hiddenDim);
  recordConv1d(builder, cvae.condition, { x: condition, y: x, residual: ofLatent });
  layers.forEach((layer, index) => {
    const isLast = index === layers.length - 1;
    const y = isLast ? asTokens(prediction.buffer, batch, 1, horizon * actionDim) : token(`decoder layer ${index + 1}`, hiddenDim);
    recordConv1d(builder, layer, { x, y, inActivation: activation });
    x = y;
  });
}
