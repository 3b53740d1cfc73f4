import type { PredictorShape } from '../network-shapes.js';
import { recordAttention } from '../ops/attention.js';
import { loadLinear, loadLinearRows, recordConv1d, type Conv1dWeights } from '../ops/conv1d.js';
import { loadNorm, recordLayerNorm, type NormWeights } from '../ops/norm.js';
import { roundVector, uploadVector } from '../ops/weight-packing.js';
import type { WeightLoader } from '../ops/weight-source.js';
import type { PlanBuilder } from '../runtime/plan-builder.js';
import { asTokens, broadcast, channelRange, timeRange, tokens, type Tensor } from '../runtime/tensor.js';

interface AttentionWeights {
  /** q, k and v from one product (self-attention). */
  readonly inProjection: Conv1dWeights;
  readonly outProjection: Conv1dWeights;
}

interface CrossAttentionWeights {
  readonly queryProjection: Conv1dWeights;
  readonly memoryProjection: Conv1dWeights;
  readonly outProjection: Conv1dWeights;
}

interface EncoderLayer {
  readonly attention: AttentionWeights;
  readonly norm1: NormWeights;
  readonly norm2: NormWeights;
  readonly feedforward: readonly [Conv1dWeights, Conv1dWeights];
}

interface DecoderLayer {
  readonly selfAttention: AttentionWeights;
  readonly crossAttention: CrossAttentionWeights;
  readonly norms: readonly [NormWeights, NormWeights, NormWeights];
  readonly feedforward: readonly [Conv1dWeights, Conv1dWeights];
}

/** The predictor on the device. */
export interface Predictor {
  readonly shape: PredictorShape;
  readonly historyEmbed: Conv1dWeights;
  readonly observationEmbed: Conv1dWeights;
  /** Position rows added to the embedded tokens. */
  readonly historyPositions: GPUBuffer;
  readonly observationPositions: GPUBuffer;
  /** Learned queries plus their positions. */
  readonly queries: GPUBuffer;
  readonly encoder: readonly EncoderLayer[];
  readonly decoder: readonly DecoderLayer[];
  readonly outNorm: NormWeights;
  readonly outProjection: Conv1dWeights;
}

export async function loadPredictor(loader: WeightLoader, shape: PredictorShape): Promise<Predictor> {
  const { modelDim: d, feedforwardDim, actionDim, observationDim, horizon } = shape;
  const { source } = loader;
  const linear = (name: string, inChannels: number, outChannels: number): Promise<Conv1dWeights> =>
    loadLinear(loader, name, inChannels, outChannels);
  const encoder: EncoderLayer[] = [];
  for (let i = 0; i < shape.encoderLayers; i++) {
    const name = `cond_encoder.layers.${i}`;
    encoder.push({
      attention: await loadAttention(loader, `${name}.self_attn`, d),
      norm1: await loadNorm(loader, `${name}.norm1`, d),
      norm2: await loadNorm(loader, `${name}.norm2`, d),
      feedforward: [await linear(`${name}.linear1`, d, feedforwardDim), await linear(`${name}.linear2`, feedforwardDim, d)],
    });
  }
  const decoder: DecoderLayer[] = [];
  for (let i = 0; i < shape.decoderLayers; i++) {
    const name = `cross_attention_layers.${i}`;
    decoder.push({
      selfAttention: await loadAttention(loader, `${name}.self_attn`, d),
      crossAttention: await loadCrossAttention(loader, `${name}.cross_attn`, d),
      norms: [
        await loadNorm(loader, `${name}.norm1`, d),
        await loadNorm(loader, `${name}.norm2`, d),
        await loadNorm(loader, `${name}.norm3`, d),
      ],
      feedforward: [await linear(`${name}.ffn.0`, d, feedforwardDim), await linear(`${name}.ffn.3`, feedforwardDim, d)],
    });
  }
  const rows = async (name: string, count: number): Promise<Float32Array> => {
    const values = (await source.readFloats(name)).slice(0, count * d);
    roundVector(loader, source.locate(name), values);
    return values;
  };
  const queries = await rows('action_query', horizon);
  const queryPositions = await rows('pos_encoder_action.pe', horizon);
  queries.forEach((value, index) => (queries[index] = value + (queryPositions[index] as number)));
  return {
    shape,
    historyEmbed: await linear('prev_action_embed', actionDim, d),
    observationEmbed: await linear('obs_embed', observationDim, d),
    historyPositions: await uploadVector(loader, 'history positions', await rows('pos_encoder_action.pe', shape.historySteps)),
    observationPositions: await uploadVector(loader, 'observation positions', await rows('pos_encoder_obs.pe', shape.observationSteps)),
    queries: await loader.uploader.uploadFloats('queries with positions', queries),
    encoder,
    decoder,
    outNorm: await loadNorm(loader, 'output_norm', d),
    outProjection: await linear('output_proj', d, actionDim),
  };
}

async function loadAttention(loader: WeightLoader, name: string, d: number): Promise<AttentionWeights> {
  return {
    inProjection: await loadLinearRows(loader, `${name}.in_proj`, d, 0, 3 * d),
    outProjection: await loadLinear(loader, `${name}.out_proj`, d, d),
  };
}

/** PyTorch stores one `in_proj`: its first d rows make queries, the other 2d make keys and values. */
async function loadCrossAttention(loader: WeightLoader, name: string, d: number): Promise<CrossAttentionWeights> {
  return {
    queryProjection: await loadLinearRows(loader, `${name}.in_proj`, d, 0, d),
    memoryProjection: await loadLinearRows(loader, `${name}.in_proj`, d, d, 2 * d),
    outProjection: await loadLinear(loader, `${name}.out_proj`, d, d),
  };
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
  const { modelDim: d, historySteps, observationSteps } = shape;
  const { batch } = history;
  const fresh = (label: string, length: number, channels = d): Tensor => tokens(builder, label, batch, length, channels);
  const positions = (buffer: GPUBuffer, length: number): Tensor =>
    broadcast(asTokens(builder.existing(buffer), 1, length, d), batch);

  let memory = fresh('memory tokens', historySteps + observationSteps);
  recordConv1d(builder, predictor.historyEmbed, {
    x: timeRange(history, history.length - historySteps, historySteps),
    y: timeRange(memory, 0, historySteps),
    residual: positions(predictor.historyPositions, historySteps),
  });
  recordConv1d(builder, predictor.observationEmbed, {
    x: observations,
    y: timeRange(memory, historySteps, observationSteps),
    residual: positions(predictor.observationPositions, observationSteps),
  });
  predictor.encoder.forEach((layer, i) => {
    memory = recordEncoderLayer(builder, layer, shape.heads, memory, `encoder ${i}`);
  });

  let x = positions(predictor.queries, shape.horizon);
  predictor.decoder.forEach((layer, i) => {
    x = recordDecoderLayer(builder, layer, shape.heads, x, memory, `decoder ${i}`);
  });
  const normalized = fresh('output norm', shape.horizon);
  recordLayerNorm(builder, predictor.outNorm, x, normalized);
  recordConv1d(builder, predictor.outProjection, { x: normalized, y: prediction });
}

/** Pre-norm: x + attention(norm1(x)), then x + feedforward(norm2(x)). */
function recordEncoderLayer(builder: PlanBuilder, layer: EncoderLayer, heads: number, x: Tensor, label: string): Tensor {
  const fresh = (name: string): Tensor => tokens(builder, `${label} ${name}`, x.batch, x.length, x.channels);
  const normalized1 = fresh('norm1');
  recordLayerNorm(builder, layer.norm1, x, normalized1);
  const attended = fresh('attended');
  recordSelfAttention(builder, layer.attention, heads, normalized1, { y: attended, residual: x }, label);
  const normalized2 = fresh('norm2');
  recordLayerNorm(builder, layer.norm2, attended, normalized2);
  const y = fresh('output');
  recordFeedforward(builder, layer.feedforward, normalized2, { y, residual: attended }, label);
  return y;
}

/** Post-norm: norm1(x + self), norm2(· + cross(memory)), norm3(· + feedforward). */
function recordDecoderLayer(
  builder: PlanBuilder,
  layer: DecoderLayer,
  heads: number,
  x: Tensor,
  memory: Tensor,
  label: string,
): Tensor {
  const d = x.channels;
  const fresh = (name: string, length = x.length, channels = d): Tensor =>
    tokens(builder, `${label} ${name}`, memory.batch, length, channels);
  const sum1 = fresh('self sum');
  recordSelfAttention(builder, layer.selfAttention, heads, x, { y: sum1, residual: x }, label);
  const h1 = fresh('norm1');
  recordLayerNorm(builder, layer.norms[0], sum1, h1);

  const q = fresh('cross queries');
  recordConv1d(builder, layer.crossAttention.queryProjection, { x: h1, y: q });
  const kv = fresh('cross memory', memory.length, 2 * d);
  recordConv1d(builder, layer.crossAttention.memoryProjection, { x: memory, y: kv });
  const mixed = fresh('cross heads');
  recordAttention(builder, { heads, q, k: channelRange(kv, 0, d), v: channelRange(kv, d, d), y: mixed });
  const sum2 = fresh('cross sum');
  recordConv1d(builder, layer.crossAttention.outProjection, { x: mixed, y: sum2, residual: h1 });
  const h2 = fresh('norm2');
  recordLayerNorm(builder, layer.norms[1], sum2, h2);

  const sum3 = fresh('feedforward sum');
  recordFeedforward(builder, layer.feedforward, h2, { y: sum3, residual: h2 }, label);
  const h3 = fresh('norm3');
  recordLayerNorm(builder, layer.norms[2], sum3, h3);
  return h3;
}

interface ResidualOutput {
  readonly y: Tensor;
  readonly residual: Tensor;
}

function recordSelfAttention(
  builder: PlanBuilder,
  weights: AttentionWeights,
  heads: number,
  x: Tensor,
  output: ResidualOutput,
  label: string,
): void {
  const d = x.channels;
  const qkv = tokens(builder, `${label} qkv`, x.batch, x.length, 3 * d);
  recordConv1d(builder, weights.inProjection, { x, y: qkv });
  const mixed = tokens(builder, `${label} heads`, x.batch, x.length, d);
  recordAttention(builder, {
    heads,
    q: channelRange(qkv, 0, d),
    k: channelRange(qkv, d, d),
    v: channelRange(qkv, 2 * d, d),
    y: mixed,
  });
  recordConv1d(builder, weights.outProjection, { x: mixed, ...output });
}

function recordFeedforward(
  builder: PlanBuilder,
  [expand, contract]: readonly [Conv1dWeights, Conv1dWeights],
  x: Tensor,
  output: ResidualOutput,
  label: string,
): void {
  const hidden = tokens(builder, `${label} feedforward`, x.batch, x.length, expand.outChannels);
  recordConv1d(builder, expand, { x, y: hidden, outActivation: 'gelu' });
  recordConv1d(builder, contract, { x: hidden, ...output });
}
