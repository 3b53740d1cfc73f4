import { probabilityCount } from '../../ops/backward/trained-attention.js';
import type { PredictorShape } from '../../spec/network-shapes.js';
import { decoderLayerName, encoderLayerName } from './parameters.js';

/**
 * Where the predictor drops, in the order in which PyTorch draws: attention probabilities, what an attention's output projection
 * makes, what GELU makes, what the last linear layer of a block makes. Embeddings are not dropped.
 */
export function predictorDropoutSites(shape: PredictorShape, batch: number): { readonly name: string; readonly elements: number }[] {
  const { modelDim: d, feedforwardDim: f, heads, horizon, historySteps, observationSteps, encoderLayers, decoderLayers } = shape;
  const memory = historySteps + observationSteps;
  const site = (name: string, elements: number): { name: string; elements: number } => ({ name, elements });
  const layers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
  const encoder = layers(encoderLayers).flatMap((i) => {
    const layer = encoderLayerName(i);
    return [
      site(`${layer}.self_attn.probabilities`, probabilityCount(batch, heads, memory, memory)),
      site(`${layer}.after_attention`, batch * memory * d),
      site(`${layer}.after_gelu`, batch * memory * f),
      site(`${layer}.after_linear2`, batch * memory * d),
    ];
  });
  const decoder = layers(decoderLayers).flatMap((i) => {
    const layer = decoderLayerName(i);
    return [
      site(`${layer}.self_attn.probabilities`, probabilityCount(batch, heads, horizon, horizon)),
      site(`${layer}.after_self_attention`, batch * horizon * d),
      site(`${layer}.cross_attn.probabilities`, probabilityCount(batch, heads, horizon, memory)),
      site(`${layer}.after_cross_attention`, batch * horizon * d),
      site(`${layer}.after_gelu`, batch * horizon * f),
      site(`${layer}.after_ffn`, batch * horizon * d),
    ];
  });
  return [...encoder, ...decoder];
}
