import type { WeightStorage } from '../../../kernels/lib/weight-storage.wgsl.js';
import { fitsTokenStages, type TokenSizes } from '../../../kernels/transformer/token-stages.wgsl.js';
import { joinedFloats } from '../../foundation/joined.js';
import { convView } from '../../ops/matrix-view.js';
import { EPSILON, type NormWeights } from '../../ops/norm.js';
import { recordEmbedToken, recordTokenLayer } from '../../ops/token-layers.js';
import { decoderProgram, decoderStartProgram, encoderProgram, projectionProgram } from '../../ops/token-programs.js';
import { packTokenWeights, type TokenWeights } from '../../ops/token-weights.js';
import { matrixStorage } from '../../ops/weight-packing.js';
import type { WeightLoader } from '../../ops/weight-source.js';
import { PlanBuilder } from '../../runtime/plan-builder.js';
import { runOnce } from '../../runtime/run-once.js';
import { asTokens, type Tensor, tokens } from '../../runtime/tensor.js';
import type { Uploader } from '../../runtime/uploader.js';
import type { PredictorShape } from '../../spec/network-shapes.js';
import type { Precision } from '../../spec/precision.js';
import {
  allocateDecoderStart,
  type DecoderStart,
  HISTORY_POSITIONS,
  OBSERVATION_POSITIONS,
  type PredictorWeights,
  readRows,
} from './predictor-weights.js';

/** The weights of a predictor whose layers are one dispatch each. */
export interface PredictorTokens {
  readonly storage: WeightStorage;
  readonly embed: TokenWeights;
  readonly encoder: readonly TokenWeights[];
  readonly decoderStart: DecoderStart;
  readonly decoder: readonly TokenWeights[];
}

function tokenSizes(shape: PredictorShape, storage: WeightStorage): TokenSizes {
  const { modelDim, heads, feedforwardDim, actionDim, observationDim, horizon, decoderLayers } = shape;
  return {
    storage,
    modelDim,
    heads,
    epsilon: EPSILON,
    maxInput: Math.max(modelDim, feedforwardDim, actionDim, observationDim),
    maxOutput: Math.max(3 * modelDim, feedforwardDim, 2 * decoderLayers * modelDim),
    maxKeys: Math.max(horizon, shape.historySteps + shape.observationSteps),
  };
}

/** Whether a predictor of this shape can run a layer per dispatch. */
export function fitsTokenKernels(shape: PredictorShape, precision: Precision): boolean {
  const { modelDim: d, feedforwardDim: f } = shape;
  const storage = matrixStorage(precision, convView(d, d, 1));
  const alike = matrixStorage(precision, convView(f, d, 1)) === storage;
  return alike && f % 4 === 0 && fitsTokenStages(tokenSizes(shape, storage));
}

/** Packs the weights of each dispatch from those of the layers. What only helps to do so is uploaded to `parts`, as these were. */
export async function packPredictorTokens(
  loader: WeightLoader,
  parts: Uploader,
  shape: PredictorShape,
  weights: PredictorWeights,
): Promise<PredictorTokens> {
  const { modelDim: d, actionDim, observationDim, historySteps, observationSteps } = shape;
  const narrow = async (name: string, inChannels: number, outChannels: number): Promise<Float32Array> =>
    transpose(await readRows(loader, `${name}.weight`, outChannels, inChannels), outChannels, inChannels);
  const positions = async (name: string, bias: string, rows: number): Promise<Float32Array> => {
    const biases = await readRows(loader, `${bias}.bias`, 1, d);
    return (await readRows(loader, name, rows, d)).map((value, index) => value + (biases[index % d] as number));
  };
  const embeddings = joinedFloats([
    await narrow('prev_action_embed', actionDim, d),
    await narrow('obs_embed', observationDim, d),
    await positions(HISTORY_POSITIONS, 'prev_action_embed', historySteps),
    await positions(OBSERVATION_POSITIONS, 'obs_embed', observationSteps),
  ]);
  const outBias = new Float32Array(4 * Math.ceil(actionDim / 4));
  outBias.set(await readRows(loader, 'output_proj.bias', 1, actionDim));
  const output = joinedFloats([await narrow('output_proj', d, actionDim), outBias]);
  const first = weights.encoder[0];
  if (!first) throw new TypeError('a predictor has at least one encoder layer');

  const embed = await packTokenWeights(loader, 'embedding', {
    linears: [first.selfAttention.inProjection],
    norms: [first.norm1],
    others: [await parts.uploadFloats('embeddings and positions', embeddings)],
  });
  const encoder: TokenWeights[] = [];
  for (const [i, layer] of weights.encoder.entries()) {
    const next = weights.encoder[i + 1];
    encoder.push(
      await packTokenWeights(loader, `encoder layer ${i}`, {
        linears: [layer.selfAttention.outProjection, ...layer.feedforward, next?.selfAttention.inProjection ?? weights.memoryProjection],
        norms: [layer.norm2, ...(next ? [next.norm1] : [])],
      }),
    );
  }
  const outputBuffer = await parts.uploadFloats('output projection', output);
  const decoder: TokenWeights[] = [];
  for (const [i, layer] of weights.decoder.entries()) {
    const next = weights.decoder[i + 1];
    const norms: NormWeights[] = [...(i > 0 ? [layer.norm1] : []), layer.norm2, layer.norm3];
    decoder.push(
      await packTokenWeights(loader, `decoder layer ${i}`, {
        linears: [
          ...(i > 0 ? [layer.selfAttention.outProjection, layer.queryProjection] : []),
          layer.outProjection,
          ...layer.feedforward,
          ...(next ? [next.selfAttention.inProjection] : []),
        ],
        norms: next ? norms : [...norms, weights.outNorm],
        others: next ? [] : [outputBuffer],
      }),
    );
  }
  const { storage } = embed;
  return { storage, embed, encoder, decoderStart: await computeTokenStart(loader, parts, shape, storage, weights), decoder };
}

/** What computeDecoderStart does, with token kernels: a GPU then compiles no other ones for a predictor. */
async function computeTokenStart(
  { uploader }: WeightLoader,
  parts: Uploader,
  shape: PredictorShape,
  storage: WeightStorage,
  weights: PredictorWeights,
): Promise<DecoderStart> {
  const { modelDim: d, horizon } = shape;
  const sizes = tokenSizes(shape, storage);
  const [first] = weights.decoder;
  if (!first) throw new TypeError('a predictor has at least one decoder layer');
  const { selfAttention, queryProjection, norm1 } = first;
  const temporary = { uploader: parts };
  const projection = await packTokenWeights(temporary, 'decoder start, q, k and v', { linears: [selfAttention.inProjection], norms: [] });
  const rest = await packTokenWeights(temporary, 'decoder start', {
    linears: [selfAttention.outProjection, queryProjection],
    norms: [norm1],
  });

  const start = await allocateDecoderStart(uploader, shape);
  const builder = new PlanBuilder(uploader.device);
  builder.segment('decoder start');
  const [x, y, q] = [weights.queries, start.x, start.q].map((buffer) => asTokens(builder.existing(buffer), 1, horizon, d)) as [
    Tensor,
    Tensor,
    Tensor,
  ];
  const rows = tokens(builder, 'decoder start, q, k and v', 1, horizon, 3 * d);
  const unchanged = tokens(builder, 'queries', 1, horizon, d);
  recordTokenLayer(builder, projection, sizes, projectionProgram(sizes, horizon, 3 * d), { x, y: unchanged, nextRows: rows });
  recordTokenLayer(builder, rest, sizes, decoderStartProgram(sizes, horizon), { x, rows, y, nextRows: q });
  await runOnce(uploader.device, builder, 'decoder start', [], q.buffer);
  return start;
}

/** Records what recordPredictorLayers does, a dispatch per layer. */
export function recordPredictorTokens(
  builder: PlanBuilder,
  shape: PredictorShape,
  weights: PredictorTokens,
  history: Tensor,
  observations: Tensor,
  prediction: Tensor,
): void {
  const { modelDim: d, feedforwardDim, actionDim, historySteps, observationSteps, horizon, encoderLayers, decoderLayers } = shape;
  const sizes = tokenSizes(shape, weights.storage);
  const { batch } = history;
  const memoryTokens = historySteps + observationSteps;
  const memoryDim = 2 * decoderLayers * d;
  const fresh = (label: string, length: number, channels: number): Tensor => tokens(builder, label, batch, length, channels);

  let x = fresh('memory tokens', memoryTokens, d);
  let rows = fresh('encoder 0 qkv', memoryTokens, 3 * d);
  recordEmbedToken(builder, weights.embed, { ...sizes, ...shape }, { history, observations, y: x, qkv: rows });
  weights.encoder.forEach((layer, i) => {
    const nextNorm = i + 1 < encoderLayers;
    const nextDim = nextNorm ? 3 * d : memoryDim;
    const nextRows = fresh(nextNorm ? `encoder ${i + 1} qkv` : 'cross memory', memoryTokens, nextDim);
    const y = fresh(`encoder ${i} output`, memoryTokens, d);
    const program = encoderProgram(sizes, { tokens: memoryTokens, feedforwardDim, nextDim, nextNorm });
    recordTokenLayer(builder, layer, sizes, program, { x, rows, y, nextRows });
    x = y;
    rows = nextRows;
  });

  const memory = rows;
  let [state, query] = [weights.decoderStart.x, weights.decoderStart.q].map((buffer) =>
    asTokens(builder.existing(buffer), 1, horizon, d),
  ) as [Tensor, Tensor];
  weights.decoder.forEach((weightsOfLayer, layer) => {
    const isLast = layer + 1 === decoderLayers;
    const y = fresh(`decoder ${layer} output`, horizon, d);
    const nextRows = isLast ? prediction : fresh(`decoder ${layer + 1} qkv`, horizon, 3 * d);
    const program = decoderProgram(sizes, { tokens: horizon, memoryTokens, feedforwardDim, layer, layers: decoderLayers, actionDim });
    recordTokenLayer(builder, weightsOfLayer, sizes, program, { x: state, rows: query, memory, y, nextRows });
    state = y;
    query = nextRows;
  });
}

/** [rows][columns] as [columns][rows], with rows padded to a multiple of 4. */
function transpose(values: Float32Array, rows: number, columns: number): Float32Array {
  const width = 4 * Math.ceil(rows / 4);
  const result = new Float32Array(columns * width);
  values.forEach((value, index) => (result[(index % columns) * width + Math.floor(index / columns)] = value));
  return result;
}
