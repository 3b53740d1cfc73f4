import type { Dataset } from '../../datasets/dataset.js';
import { readAround } from '../../datasets/window-batch.js';
import { order } from '../../datasets/windows.js';
import type { Normalizer } from '../../spec/policy-spec.js';
import type { PredictorBatch } from '../training-step.js';
import { normals, uniforms } from './draws.js';
import { type FramePart, readFrames } from './frames.js';
import { checkNormalized } from './normalize.js';
import { type PicturedCameras, readPictures } from './pictures.js';
import type { BatchRequest, BatchSource } from './run-training.js';

/** What pairs of previous and next chunk are made of. */
export interface PairsSpec {
  readonly dataset: Dataset;
  readonly frame: readonly FramePart[];
  /** Of a network with an image encoder of its own; its frames are the vectors alone. */
  readonly cameras?: PicturedCameras | undefined;
  /** Name of the actions in the data set, and what brings them to the network. */
  readonly action: { readonly name: string; readonly size: number; readonly normalizer: Normalizer };
  readonly horizon: number;
  readonly observationSteps: number;
  /** Executed per decision: how long before its target the previous chunk was made. */
  readonly actionSteps: number;
}

/** Pairs of a batch; rows beyond the anchors are 0. */
export interface Pairs {
  /** f32 [batch][H][D]: the chunk of the decision before, as the demonstration has it. */
  readonly previous: Float32Array;
  /** f32 [batch][To][O]. */
  readonly observation: Float32Array;
  /** Where there are cameras: of each, [batch][To] pictures. */
  readonly pictures?: readonly Uint8Array[];
  /** f32 [batch][H][D]. */
  readonly target: Float32Array;
}

/**
 * For each anchor t: the target is the window of actions t − To + 1 … t − To + H; the previous chunk is the whole window of the decision E
 * frames earlier, which is what inference holds (the release gives the first rows of the target itself, and then another layout when it runs).
 * Rows before the episode are 0, in the space of the network.
 */
export async function readPairs(spec: PairsSpec, anchors: Int32Array, batch: number): Promise<Pairs> {
  const { dataset, frame, cameras, action, horizon, observationSteps, actionSteps } = spec;
  const sizes = horizon * action.size;
  const first = 1 - observationSteps - actionSteps;
  const count = horizon + actionSteps;
  const { values, isPad } = await readAround(dataset, action.name, anchors, first, count, action.normalizer);
  checkNormalized(values, action.size, `"${action.name}" of ${dataset.name}`);
  const previous = new Float32Array(batch * sizes);
  const target = new Float32Array(batch * sizes);
  for (let i = 0; i < anchors.length; i++) {
    const window = values.subarray(i * count * action.size, (i + 1) * count * action.size);
    target.set(window.subarray(actionSteps * action.size), i * sizes);
    for (let row = 0; row < horizon; row++) {
      // Padding behind the anchor is the end of the episode, which a chunk holds as well.
      const isBefore = isPad[i * count + row] === 1 && first + row < 0;
      if (!isBefore) previous.set(window.subarray(row * action.size, (row + 1) * action.size), i * sizes + row * action.size);
    }
  }
  const observation = await readFrames(dataset, frame, anchors, observationSteps, batch);
  const pictures = cameras && (await readPictures(dataset, cameras, anchors, observationSteps, batch));
  return { previous, observation, ...(pictures ? { pictures } : {}), target };
}

/** What keeps a predictor from copying what both chunks share, which at inference is a plan of the policy and no demonstration. */
export interface HistoryDamage {
  /** Share of the rows of the previous chunk that are set to 0. */
  readonly rowDropout: number;
  /** Standard deviation of noise on the others, normalised. */
  readonly noise: number;
}

/** Damages previous chunks [rows][actionDim] in place, by draws of (seed, step). */
export function damageHistory(
  previous: Float32Array,
  actionDim: number,
  { rowDropout, noise }: HistoryDamage,
  seed: number,
  step: number,
): void {
  const added = noise > 0 ? normals(previous.length, { seed, purpose: 'historyNoise', step }) : undefined;
  const draws = rowDropout > 0 ? uniforms(previous.length / actionDim, { seed, purpose: 'historyRows', step }) : undefined;
  for (let i = 0; i < previous.length; i++) {
    const isDropped = draws !== undefined && (draws[Math.floor(i / actionDim)] as number) < rowDropout;
    previous[i] = isDropped ? 0 : (previous[i] as number) + (added === undefined ? 0 : noise * (added[i] as number));
  }
}

export interface PredictorBatchOptions extends HistoryDamage {
  readonly anchors: Int32Array;
  readonly batchSize: number;
  readonly seed: number;
  /** Probability of dropout inside the network. */
  readonly dropout: number;
}

/** Batches of a predictor's training. */
export function predictorBatches(spec: PairsSpec, options: PredictorBatchOptions): BatchSource<PredictorBatch> {
  const { anchors, batchSize, seed, dropout } = options;
  const chosen = chosenAnchors(anchors, seed);
  return {
    rows: anchors.length,
    batch: async (request) => {
      const pairs = await readPairs(spec, chosen(request), batchSize);
      damageHistory(pairs.previous, spec.action.size, options, seed, request.batch);
      return { count: request.count, ...pairs, dropout: dropout > 0 ? { probability: dropout, seed, step: request.batch } : null };
    },
  };
}

/** The anchors of a request, in the order of its epoch, which is made once per epoch. */
export function chosenAnchors(anchors: Int32Array, seed: number): (request: BatchRequest) => Int32Array {
  let made: { readonly epoch: number; readonly order: Uint32Array } | undefined;
  return ({ epoch, first, count }) => {
    if (made?.epoch !== epoch) made = { epoch, order: order(anchors.length, seed, epoch) };
    return Int32Array.from(made.order.subarray(first, first + count), (at) => anchors[at] as number);
  };
}
