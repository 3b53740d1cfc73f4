import { type Conv1dWeights, loadLinear, loadLinearRows } from '../../ops/conv1d.js';
import { convView } from '../../ops/matrix-view.js';
import { loadNorm, type NormWeights } from '../../ops/norm.js';
import { roundVector, uploadMatrix, uploadVector } from '../../ops/weight-packing.js';
import type { WeightLoader } from '../../ops/weight-source.js';
import type { Uploader } from '../../runtime/uploader.js';
import type { PredictorShape } from '../../spec/network-shapes.js';

export interface SelfAttentionWeights {
  /** q, k and v from one product. */
  readonly inProjection: Conv1dWeights;
  readonly outProjection: Conv1dWeights;
}

export type FeedforwardWeights = readonly [expand: Conv1dWeights, contract: Conv1dWeights];

export interface EncoderLayer {
  readonly selfAttention: SelfAttentionWeights;
  readonly norm1: NormWeights;
  readonly norm2: NormWeights;
  readonly feedforward: FeedforwardWeights;
}

export interface DecoderLayer {
  readonly selfAttention: SelfAttentionWeights;
  readonly norm1: NormWeights;
  /** Keys and values of the memory come from `memoryProjection`. */
  readonly queryProjection: Conv1dWeights;
  readonly outProjection: Conv1dWeights;
  readonly norm2: NormWeights;
  readonly feedforward: FeedforwardWeights;
  readonly norm3: NormWeights;
}

/** The weights of a predictor on the device, layer by layer. */
export interface PredictorWeights {
  readonly historyEmbed: Conv1dWeights;
  readonly observationEmbed: Conv1dWeights;
  /** Position rows added to the embedded tokens. */
  readonly historyPositions: GPUBuffer;
  readonly observationPositions: GPUBuffer;
  readonly encoder: readonly EncoderLayer[];
  /** Keys and values of the memory for all decoder layers, in their order, from one product. */
  readonly memoryProjection: Conv1dWeights;
  /** Learned queries plus their positions. */
  readonly queries: GPUBuffer;
  readonly decoder: readonly DecoderLayer[];
  readonly outNorm: NormWeights;
  readonly outProjection: Conv1dWeights;
}

/**
 * Up to its cross-attention, the first decoder layer sees learned queries and nothing else:
 * x = norm1(queries + attention(queries)) and q = query(x), computed when the predictor is loaded. f32 [horizon][modelDim] each.
 */
export interface DecoderStart {
  readonly x: GPUBuffer;
  readonly q: GPUBuffer;
}

export async function allocateDecoderStart(uploader: Uploader, { horizon, modelDim }: PredictorShape): Promise<DecoderStart> {
  const bytes = horizon * modelDim * 4;
  return {
    x: await uploader.allocate('first decoder state', bytes),
    q: await uploader.allocate('first decoder queries', bytes),
  };
}

export async function loadPredictorWeights(loader: WeightLoader, shape: PredictorShape): Promise<PredictorWeights> {
  const { modelDim: d, feedforwardDim, actionDim, observationDim } = shape;
  const linear = (name: string, inChannels: number, outChannels: number): Promise<Conv1dWeights> =>
    loadLinear(loader, name, inChannels, outChannels);
  const feedforward = async (expand: string, contract: string): Promise<FeedforwardWeights> => [
    await linear(expand, d, feedforwardDim),
    await linear(contract, feedforwardDim, d),
  ];
  const encoder: EncoderLayer[] = [];
  for (let i = 0; i < shape.encoderLayers; i++) {
    const name = `cond_encoder.layers.${i}`;
    encoder.push({
      selfAttention: await loadSelfAttention(loader, `${name}.self_attn`, d),
      norm1: await loadNorm(loader, `${name}.norm1`, d),
      norm2: await loadNorm(loader, `${name}.norm2`, d),
      feedforward: await feedforward(`${name}.linear1`, `${name}.linear2`),
    });
  }
  const decoder: DecoderLayer[] = [];
  for (let i = 0; i < shape.decoderLayers; i++) {
    const name = decoderLayerName(i);
    decoder.push({
      selfAttention: await loadSelfAttention(loader, `${name}.self_attn`, d),
      norm1: await loadNorm(loader, `${name}.norm1`, d),
      // PyTorch stores one `in_proj`: its first d rows make queries, the other 2d keys and values.
      queryProjection: await loadLinearRows(loader, `${name}.cross_attn.in_proj`, d, 0, d),
      outProjection: await linear(`${name}.cross_attn.out_proj`, d, d),
      norm2: await loadNorm(loader, `${name}.norm2`, d),
      feedforward: await feedforward(`${name}.ffn.0`, `${name}.ffn.3`),
      norm3: await loadNorm(loader, `${name}.norm3`, d),
    });
  }
  return {
    historyEmbed: await linear('prev_action_embed', actionDim, d),
    observationEmbed: await linear('obs_embed', observationDim, d),
    historyPositions: await uploadVector(loader, 'history positions', await readRows(loader, HISTORY_POSITIONS, shape.historySteps, d)),
    observationPositions: await uploadVector(
      loader,
      'observation positions',
      await readRows(loader, OBSERVATION_POSITIONS, shape.observationSteps, d),
    ),
    encoder,
    memoryProjection: await loadMemoryProjection(loader, d, shape.decoderLayers),
    queries: await loadQueries(loader, shape),
    decoder,
    outNorm: await loadNorm(loader, 'output_norm', d),
    outProjection: await linear('output_proj', d, actionDim),
  };
}

export const HISTORY_POSITIONS = 'pos_encoder_action.pe';
export const OBSERVATION_POSITIONS = 'pos_encoder_obs.pe';

/** The first rows of a table, as the loader's precision can hold them. */
export async function readRows(loader: WeightLoader, name: string, rows: number, width: number): Promise<Float32Array> {
  const values = (await loader.source.readFloats(name)).slice(0, rows * width);
  roundVector(loader, loader.source.locate(name), values);
  return values;
}

function decoderLayerName(index: number): string {
  return `cross_attention_layers.${index}`;
}

async function loadSelfAttention(loader: WeightLoader, name: string, d: number): Promise<SelfAttentionWeights> {
  return {
    inProjection: await loadLinearRows(loader, `${name}.in_proj`, d, 0, 3 * d),
    outProjection: await loadLinear(loader, `${name}.out_proj`, d, d),
  };
}

async function loadMemoryProjection(loader: WeightLoader, d: number, layers: number): Promise<Conv1dWeights> {
  const outChannels = layers * 2 * d;
  const weights = new Float32Array(outChannels * d);
  const biases = new Float32Array(outChannels);
  for (let i = 0; i < layers; i++) {
    const name = `${decoderLayerName(i)}.cross_attn.in_proj`;
    weights.set((await loader.source.readFloats(`${name}_weight`)).subarray(d * d, 3 * d * d), i * 2 * d * d);
    biases.set((await loader.source.readFloats(`${name}_bias`)).subarray(d, 3 * d), i * 2 * d);
  }
  const matrix = await uploadMatrix(loader, 'keys and values of the memory', weights, convView(outChannels, d, 1));
  const bias = await uploadVector(loader, 'biases of keys and values of the memory', biases);
  return { ...matrix, bias, inChannels: d, outChannels, kernelSize: 1, transposed: false };
}

async function loadQueries(loader: WeightLoader, { horizon, modelDim }: PredictorShape): Promise<GPUBuffer> {
  const queries = await readRows(loader, 'action_query', horizon, modelDim);
  const positions = await readRows(loader, HISTORY_POSITIONS, horizon, modelDim);
  return loader.uploader.uploadFloats(
    'queries with positions',
    queries.map((value, index) => value + (positions[index] as number)),
  );
}
