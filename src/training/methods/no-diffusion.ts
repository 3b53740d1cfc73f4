import { sinusoidalEmbedding } from '../../networks/unet/timestep-table.js';
import { newHeads, recordGaussianLoss, recordGaussianStart } from '../../ops/backward/gaussian-rows.js';
import { recordReluBackward, recordReluForward } from '../../ops/backward/map-layers.js';
import { recordRowLoss } from '../../ops/backward/row-loss.js';
import { LINEAR } from '../../ops/backward/rows-product.js';
import { newRows, probeRows, type Rows } from '../../runtime/rows.js';
import type { UnetShape } from '../../spec/network-shapes.js';
import { type PassRecorder, recordLayer, recordLayerGradients, recordLayerInput } from '../unet/layers.js';
import { recordUnetBackward, recordUnetForward } from '../unet/record.js';
import { type ChunkBatch, checkChunks, counted } from './chunk-batch.js';
import type { Method, NetworkParameters } from './method.js';
import { methodUnet } from './unet-network.js';

/** A batch of NO-Diffusion; its noise draws the starts around what the heads say. */
export interface NoDiffusionBatch extends ChunkBatch {
  /** What each loss counts. Default: 1 each. */
  readonly shares?: { readonly action: number; readonly std: number; readonly mean: number };
}

export interface NoDiffusionOptions {
  readonly shape: UnetShape;
  readonly batchSize: number;
  /** Of both heads. */
  readonly hiddenDim: number;
  /** The level that the network is always told. */
  readonly timestep: number;
}

type Part = 'conditioning' | 'sinusoids' | 'actions' | 'noise' | 'weights' | 'headWeights';

const HEADS = ['mean_head', 'std_head'] as const;
/** Probes of what they say: means, and deviations before softplus, [b][H · D]. */
export const HEAD_PROBES = HEADS;

/**
 * NO-Diffusion: two heads of the conditioning, Linear, ReLU, Linear, say a mean μ and a deviation σ = softplus, and one call of the network makes
 * the chunk of a start drawn around them: MSE(A*, A) + mean(((A* − μ)² − σ²)²) + MSE(A*, μ), all parts together. There is no
 * official code; the middle loss is elementwise, since the one that is printed is unbounded below.
 */
export function noDiffusion({ shape, batchSize, hiddenDim, timestep }: NoDiffusionOptions): Method<NoDiffusionBatch, Part> {
  const { horizon, actionDim, conditioningDim, stepEmbedDim } = shape;
  const chunk = [batchSize, horizon, actionDim] as const;
  const sinusoids = sinusoidalEmbedding(timestep + 1, stepEmbedDim).subarray(timestep * stepEmbedDim);
  return {
    network: withHeads(methodUnet(shape, 'unet.'), shape, hiddenDim),
    batchSize,
    lossCount: 3 * batchSize,
    parts: {
      conditioning: { rows: [batchSize, 1, conditioningDim] },
      sinusoids: { rows: [batchSize, 1, stepEmbedDim] },
      actions: { rows: chunk },
      noise: { rows: chunk },
      weights: { values: batchSize * horizon },
      headWeights: { values: 2 * batchSize * horizon },
    },
    pack: (batch, parts) => {
      const { count, shares = { action: 1, std: 1, mean: 1 } } = batch;
      checkChunks(batch, shape, batchSize, ['actions', 'noise']);
      parts.write('conditioning', counted(batch.conditioning, count, conditioningDim));
      parts.write('actions', counted(batch.actions, count, horizon * actionDim));
      parts.write('noise', counted(batch.noise, count, horizon * actionDim));
      for (let b = 0; b < batchSize; b++) parts.write('sinusoids', sinusoids, b);
      parts.values('weights').fill(shares.action, 0, count * horizon);
      const weights = parts.values('headWeights');
      for (let row = 0; row < count * horizon; row++) weights.set([shares.std, shares.mean], 2 * row);
      return 1 / (count * horizon * actionDim);
    },
    record: (recorder) => {
      const { builder, losses, step } = recorder;
      const rows = (label: string): Rows => newRows(builder, label, ...chunk);
      const [actions, noise, conditioning] = [recorder.rows('actions'), recorder.rows('noise'), recorder.rows('conditioning')];
      builder.segment('forward');
      const heads = newHeads(builder, 'heads', actions);
      const tapes = [
        recordHead(recorder, 'mean_head', conditioning, hiddenDim, heads.mean),
        recordHead(recorder, 'std_head', conditioning, hiddenDim, heads.raw),
      ] as const;
      probeRows(builder, HEAD_PROBES[0], heads.mean);
      probeRows(builder, HEAD_PROBES[1], heads.raw);
      const start = rows('start');
      recordGaussianStart(builder, heads, noise, start);
      const tape = recordUnetForward(recorder, shape, { sample: start, sinusoids: recorder.rows('sinusoids'), conditioning });
      builder.segment('backward');
      const doutput = rows('output gradients');
      const weights = recorder.values('weights');
      recordRowLoss(builder, { kind: 'square', y: tape.output, target: actions, weights, dy: doutput, losses, step });
      const dstart = recordUnetBackward(recorder, tape, doutput, { sample: true }).sample as Rows;
      const gradients = newHeads(builder, 'gradients of the heads', actions);
      recordGaussianLoss(builder, {
        heads,
        action: actions,
        noise,
        dstart,
        weights: recorder.values('headWeights'),
        gradients,
        losses,
        firstLoss: batchSize,
        step,
      });
      recorder.scratch.giveBack(dstart);
      recordHeadBackward(recorder, tapes[0], conditioning, gradients.mean);
      recordHeadBackward(recorder, tapes[1], conditioning, gradients.raw);
    },
  };
}

/** The heads' parameters, before those of the U-Net. */
function withHeads(unet: NetworkParameters, { conditioningDim, horizon, actionDim }: UnetShape, hiddenDim: number): NetworkParameters {
  const layers = HEADS.flatMap((head) => [
    { key: `${head}.0`, inputs: conditioningDim, outputs: hiddenDim },
    { key: `${head}.2`, inputs: hiddenDim, outputs: horizon * actionDim },
  ]);
  return {
    requests: {
      matrices: [
        ...layers.map(({ key, inputs, outputs }) => ({
          key,
          taps: 1,
          inChannels: inputs,
          tensors: [{ name: `${key}.weight`, outChannels: outputs, order: 'out-in' as const }],
        })),
        ...unet.requests.matrices,
      ],
      vectors: [
        ...layers.map(({ key, outputs }) => ({ key, channels: outputs, vectors: [[{ name: `${key}.bias`, channels: outputs }]] })),
        ...unet.requests.vectors,
      ],
    },
    parameters: [
      ...layers.flatMap(({ key, inputs, outputs }) => [
        { name: `${key}.weight`, shape: [outputs, inputs] },
        { name: `${key}.bias`, shape: [outputs] },
      ]),
      ...unet.parameters,
    ],
  };
}

/** Kept of a head: what its ReLU made. */
interface HeadTape {
  readonly key: string;
  readonly activated: Rows;
}

function recordHead(recorder: PassRecorder, key: string, x: Rows, hiddenDim: number, y: Rows): HeadTape {
  const { builder } = recorder;
  const hidden = newRows(builder, `${key} hidden`, x.batch, 1, hiddenDim);
  const activated = newRows(builder, `${key} activated`, x.batch, 1, hiddenDim);
  recordLayer(recorder, `${key}.0`, LINEAR, x, hidden);
  recordReluForward(builder, hidden, activated);
  recordLayer(recorder, `${key}.2`, LINEAR, activated, y);
  return { key, activated };
}

function recordHeadBackward(recorder: PassRecorder, { key, activated }: HeadTape, x: Rows, dy: Rows): void {
  const { builder, scratch } = recorder;
  recordLayerGradients(recorder, `${key}.2`, LINEAR, activated, dy);
  const dactivated = scratch.take(x.batch, 1, activated.channels);
  recordLayerInput(recorder, `${key}.2`, { geometry: LINEAR, x: dy, y: dactivated });
  const dhidden = scratch.take(x.batch, 1, activated.channels);
  recordReluBackward(builder, activated, dactivated, dhidden);
  scratch.giveBack(dactivated);
  recordLayerGradients(recorder, `${key}.0`, LINEAR, x, dhidden);
  scratch.giveBack(dhidden);
}
