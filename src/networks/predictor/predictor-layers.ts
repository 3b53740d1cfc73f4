import { recordAttention } from '../../ops/attention.js';
import { recordConv1d } from '../../ops/conv1d.js';
import { recordLayerNorm } from '../../ops/norm.js';
import { PlanBuilder } from '../../runtime/plan-builder.js';
import { runOnce } from '../../runtime/run-once.js';
import { asTokens, broadcast, channelRange, type Tensor, timeRange, tokens } from '../../runtime/tensor.js';
import type { Uploader } from '../../runtime/uploader.js';
import type { PredictorShape } from '../../spec/network-shapes.js';
import {
  allocateDecoderStart,
  type DecoderLayer,
  type DecoderStart,
  type EncoderLayer,
  type FeedforwardWeights,
  type PredictorWeights,
  type SelfAttentionWeights,
} from './predictor-weights.js';

/** A tensor with the channels and length of another one. */
function like(builder: PlanBuilder, label: string, tensor: Tensor, batch = tensor.batch): Tensor {
  return tokens(builder, label, batch, tensor.length, tensor.channels);
}

/** Computes what no input changes, once. */
export async function computeDecoderStart(uploader: Uploader, weights: PredictorWeights, shape: PredictorShape): Promise<DecoderStart> {
  const { modelDim: d, horizon, heads } = shape;
  const { device } = uploader;
  const start = await allocateDecoderStart(uploader, shape);
  const builder = new PlanBuilder(device);
  builder.segment('decoder start');
  const [queries, x, q] = [weights.queries, start.x, start.q].map((buffer) => asTokens(builder.existing(buffer), 1, horizon, d)) as [
    Tensor,
    Tensor,
    Tensor,
  ];
  recordDecoderSelf(builder, weights.decoder[0] as DecoderLayer, heads, queries, x, q);
  await runOnce(device, builder, 'decoder start', [], q.buffer);
  return start;
}

/**
 * Records prediction = predictor(history, observations), an op of its own for each product, attention and norm.
 * history: the tokens that the predictor reads, of every layout.
 */
export function recordPredictorLayers(
  builder: PlanBuilder,
  shape: PredictorShape,
  weights: PredictorWeights,
  decoderStart: DecoderStart,
  history: Tensor,
  observations: Tensor,
  prediction: Tensor,
): void {
  const { modelDim: d, historySteps, observationSteps, heads, horizon } = shape;
  const { batch } = history;
  const rows = (buffer: GPUBuffer, length: number): Tensor => broadcast(asTokens(builder.existing(buffer), 1, length, d), batch);

  let memory = tokens(builder, 'memory tokens', batch, historySteps + observationSteps, d);
  recordConv1d(builder, weights.historyEmbed, {
    x: history,
    y: timeRange(memory, 0, historySteps),
    residual: rows(weights.historyPositions, historySteps),
  });
  recordConv1d(builder, weights.observationEmbed, {
    x: observations,
    y: timeRange(memory, historySteps, observationSteps),
    residual: rows(weights.observationPositions, observationSteps),
  });
  weights.encoder.forEach((layer, i) => {
    memory = recordEncoderLayer(builder, layer, heads, memory, `encoder ${i}`);
  });
  const keysAndValues = tokens(builder, 'cross memory', batch, memory.length, weights.memoryProjection.outChannels);
  recordConv1d(builder, weights.memoryProjection, { x: memory, y: keysAndValues });

  let x = rows(decoderStart.x, horizon);
  let q = rows(decoderStart.q, horizon);
  weights.decoder.forEach((layer, i) => {
    const label = `decoder ${i}`;
    if (i > 0) {
      const attended = like(builder, `${label} norm1`, x);
      q = like(builder, `${label} cross queries`, x);
      recordDecoderSelf(builder, layer, heads, x, attended, q);
      x = attended;
    }
    x = recordDecoderCross(builder, layer, heads, x, q, channelRange(keysAndValues, i * 2 * d, 2 * d), label);
  });
  const normalized = like(builder, 'output norm', x);
  recordLayerNorm(builder, weights.outNorm, x, normalized);
  recordConv1d(builder, weights.outProjection, { x: normalized, y: prediction });
}

/** Pre-norm: x + attention(norm1(x)), then x + feedforward(norm2(x)). */
function recordEncoderLayer(builder: PlanBuilder, layer: EncoderLayer, heads: number, x: Tensor, label: string): Tensor {
  const normalized1 = like(builder, `${label} norm1`, x);
  recordLayerNorm(builder, layer.norm1, x, normalized1);
  const attended = like(builder, `${label} attended`, x);
  recordSelfAttention(builder, layer.selfAttention, heads, normalized1, { y: attended, residual: x });
  const normalized2 = like(builder, `${label} norm2`, x);
  recordLayerNorm(builder, layer.norm2, attended, normalized2);
  const y = like(builder, `${label} output`, x);
  recordFeedforward(builder, layer.feedforward, normalized2, { y, residual: attended });
  return y;
}

/** The first part of a decoder layer (post-norm): y = norm1(x + attention(x)) and the queries of its cross-attention. */
function recordDecoderSelf(builder: PlanBuilder, layer: DecoderLayer, heads: number, x: Tensor, y: Tensor, q: Tensor): void {
  const sum = like(builder, 'decoder self sum', x);
  recordSelfAttention(builder, layer.selfAttention, heads, x, { y: sum, residual: x });
  recordLayerNorm(builder, layer.norm1, sum, y);
  recordConv1d(builder, layer.queryProjection, { x: y, y: q });
}

/** The rest of it: norm2(x + cross(q, memory)), then norm3(· + feedforward). */
function recordDecoderCross(
  builder: PlanBuilder,
  layer: DecoderLayer,
  heads: number,
  x: Tensor,
  q: Tensor,
  memory: Tensor,
  label: string,
): Tensor {
  const d = x.channels;
  const fresh = (name: string): Tensor => like(builder, `${label} ${name}`, x, memory.batch);
  const mixed = fresh('cross heads');
  recordAttention(builder, { heads, q, k: channelRange(memory, 0, d), v: channelRange(memory, d, d), y: mixed });
  const sum = fresh('cross sum');
  recordConv1d(builder, layer.outProjection, { x: mixed, y: sum, residual: x });
  const attended = fresh('norm2');
  recordLayerNorm(builder, layer.norm2, sum, attended);
  const feedforwardSum = fresh('feedforward sum');
  recordFeedforward(builder, layer.feedforward, attended, { y: feedforwardSum, residual: attended });
  const y = fresh('norm3');
  recordLayerNorm(builder, layer.norm3, feedforwardSum, y);
  return y;
}

interface ResidualOutput {
  readonly y: Tensor;
  readonly residual: Tensor;
}

function recordSelfAttention(builder: PlanBuilder, weights: SelfAttentionWeights, heads: number, x: Tensor, output: ResidualOutput): void {
  const d = x.channels;
  const qkv = tokens(builder, 'qkv', x.batch, x.length, 3 * d);
  recordConv1d(builder, weights.inProjection, { x, y: qkv });
  const y = like(builder, 'heads', x);
  const [q, k, v] = [channelRange(qkv, 0, d), channelRange(qkv, d, d), channelRange(qkv, 2 * d, d)];
  recordAttention(builder, { heads, q, k, v, y });
  recordConv1d(builder, weights.outProjection, { x: y, ...output });
}

function recordFeedforward(builder: PlanBuilder, [expand, contract]: FeedforwardWeights, x: Tensor, output: ResidualOutput): void {
  const hidden = tokens(builder, 'feedforward', x.batch, x.length, expand.outChannels);
  recordConv1d(builder, expand, { x, y: hidden, outActivation: 'gelu' });
  recordConv1d(builder, contract, { x: hidden, ...output });
}
