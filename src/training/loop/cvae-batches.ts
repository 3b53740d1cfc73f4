import type { CvaeShape } from '../../spec/network-shapes.js';
import type { CvaeBatch } from '../cvae/cvae-training.js';
import { klWeight } from '../cvae/kl-weight.js';
import { normals } from './draws.js';
import { chosenAnchors, type PairsSpec, readPairs } from './predictor-batches.js';
import type { BatchSource } from './run-training.js';

export interface CvaeBatchOptions {
  readonly shape: CvaeShape;
  readonly anchors: Int32Array;
  readonly batchSize: number;
  readonly seed: number;
  /** Probability of dropout inside the network; 0 where the release has none. */
  readonly dropout: number;
  /** Batches between two evaluations, and calls of the loss in each: they make κ grow as well. */
  readonly batchesPerEvaluation: number;
  readonly callsPerEvaluation: number;
}

/** Calls of the loss before batch number `batch` of a run: as many batches, and those of the evaluations by then. */
export function callsBefore(
  batch: number,
  { batchesPerEvaluation, callsPerEvaluation }: Pick<CvaeBatchOptions, 'batchesPerEvaluation' | 'callsPerEvaluation'>,
): number {
  return batch + callsPerEvaluation * Math.floor(batch / batchesPerEvaluation);
}

/** Batches of a CVAE's training: windows as those of a predictor, whose previous chunks nobody looks at. */
export function cvaeBatches(spec: PairsSpec, options: CvaeBatchOptions): BatchSource<CvaeBatch> {
  const { anchors, seed, shape, dropout } = options;
  const chosen = chosenAnchors(anchors, seed);
  return {
    rows: anchors.length,
    batch: async (request) => ({
      ...(await cvaeWindows(spec, chosen(request), options, 'noise', request.batch)),
      klWeight: klWeight(shape, callsBefore(request.batch, options)),
      dropout: dropout > 0 ? { probability: dropout, seed, step: request.batch } : null,
    }),
  };
}

/** Windows around anchors, with latents drawn for them under `purpose` and `step`; without dropout, and with κ = 0. */
export async function cvaeWindows(
  spec: PairsSpec,
  anchors: Int32Array,
  { shape, batchSize, seed }: Pick<CvaeBatchOptions, 'shape' | 'batchSize' | 'seed'>,
  purpose: 'noise' | 'validationNoise',
  step: number,
): Promise<CvaeBatch> {
  const { observation, pictures, target } = await readPairs(spec, anchors, batchSize);
  return {
    count: anchors.length,
    conditioning: observation,
    ...(pictures ? { pictures } : {}),
    actions: target,
    latent: normals(batchSize * shape.latentDim, { seed, purpose, step }),
    klWeight: 0,
    dropout: null,
  };
}
