import type { Dataset } from '../../datasets/dataset.js';
import { readAround } from '../../datasets/window-batch.js';
import type { Normalizer } from '../../spec/policy-spec.js';
import type { UNetBatch } from '../training-step.js';
import { integers, normals } from './draws.js';
import { type FramePart, readFrames } from './frames.js';
import { checkNormalized } from './normalize.js';
import { chosenAnchors } from './predictor-batches.js';
import type { BatchSource } from './run-training.js';

/** What windows of observations and chunks are made of. */
export interface ChunkWindows {
  readonly dataset: Dataset;
  readonly frame: readonly FramePart[];
  readonly action: { readonly name: string; readonly size: number; readonly normalizer: Normalizer };
  readonly horizon: number;
  readonly observationSteps: number;
  /** First row of a chunk, in steps after the anchor. Default 1 − To: that of the oldest frame. */
  readonly firstRow?: number;
}

/** What windows of a diffusion policy are made of. */
export interface WindowsSpec extends ChunkWindows {
  /** Noise levels, of which each sample draws one. */
  readonly timesteps: number;
  /** Whether actions beyond the end of an episode are left out of the loss. */
  readonly maskPadding: boolean;
}

export interface UNetBatchOptions {
  readonly anchors: Int32Array;
  readonly batchSize: number;
  readonly seed: number;
}

/** Which draws noise and timesteps of a batch are. */
export type UNetDraws = { readonly seed: number; readonly step: number; readonly noise: 'noise' | 'validationNoise' };

/** Windows around anchors; rows beyond them are 0. */
export interface Chunks {
  readonly count: number;
  /** f32 [batch][To · frame]. */
  readonly conditioning: Float32Array;
  /** f32 [batch][horizon][size], the first row To − 1 steps before the anchor, or where the windows say. */
  readonly actions: Float32Array;
  /** By row of the anchors' chunks: 1 beyond the episode. */
  readonly isPad: Uint8Array;
}

/** Reads windows around anchors. */
export async function readChunks(spec: ChunkWindows, anchors: Int32Array, batchSize: number): Promise<Chunks> {
  const { dataset, frame, action, horizon, observationSteps, firstRow = 1 - observationSteps } = spec;
  const { values, isPad } = await readAround(dataset, action.name, anchors, firstRow, horizon, action.normalizer);
  checkNormalized(values, action.size, `"${action.name}" of ${dataset.name}`);
  const actions = new Float32Array(batchSize * horizon * action.size);
  actions.set(values);
  const conditioning = await readFrames(dataset, frame, anchors, observationSteps, batchSize);
  return { count: anchors.length, conditioning, actions, isPad };
}

/** A batch of windows around anchors, with its noise and noise levels. */
export async function unetBatch(spec: WindowsSpec, anchors: Int32Array, batchSize: number, draws: UNetDraws): Promise<UNetBatch> {
  const { horizon, timesteps, maskPadding } = spec;
  const { count, conditioning, actions, isPad } = await readChunks(spec, anchors, batchSize);
  const validity = new Uint8Array(batchSize * horizon);
  for (let i = 0; i < isPad.length; i++) validity[i] = isPad[i] === 0 ? 1 : 0;
  const { seed, step, noise } = draws;
  return {
    count,
    conditioning,
    actions,
    noise: normals(actions.length, { seed, purpose: noise, step }),
    timesteps: integers(batchSize, timesteps, { seed, purpose: noise === 'noise' ? 'timesteps' : 'validationTimesteps', step }),
    validity: maskPadding ? validity : null,
  };
}

/** Batches of a diffusion policy's training. */
export function unetBatches(spec: WindowsSpec, { anchors, batchSize, seed }: UNetBatchOptions): BatchSource<UNetBatch> {
  const chosen = chosenAnchors(anchors, seed);
  return {
    rows: anchors.length,
    batch: (request) => unetBatch(spec, chosen(request), batchSize, { seed, step: request.batch, noise: 'noise' }),
  };
}
