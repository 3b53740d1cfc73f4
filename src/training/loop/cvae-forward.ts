import { loadCvae, recordCvae } from '../../networks/cvae/cvae.js';
import type { ComputeDevice } from '../../runtime/device.js';
import { asTokens, tokens } from '../../runtime/tensor.js';
import type { CvaeShape, RawRows } from '../../spec/network-shapes.js';
import { normals } from './draws.js';
import { forwardPlan } from './forward-plan.js';
import type { PredictorForward } from './predictor-forward.js';
import { type ForwardRows, recordForwardRows } from './rows-forward.js';

/** The decoder of a CVAE at one batch size, by the very dispatches that decisions are made with. */
export interface CvaeDecoder {
  /**
   * conditioning f32 [batch][To · O], latent f32 [batch][L] → f32 [batch][H][D], all normalised. Of a CVAE with an image encoder of its own,
   * conditioning is [batch][To][vectors] in raw units, and pictures are [batch][To] of each camera.
   */
  decode(conditioning: Float32Array, latent: Float32Array, pictures?: readonly Uint8Array[]): Promise<Float32Array>;
  destroy(): void;
}

/**
 * Brings the decoder of a CVAE to the device as a policy would. `weights`: its tensors by name, without the prefix that they have beside an image
 * encoder. `rows`: of a CVAE with one.
 */
export async function cvaeDecoder(
  device: ComputeDevice,
  shape: CvaeShape,
  weights: ReadonlyMap<string, Float32Array>,
  batchSize: number,
  rows?: RawRows,
): Promise<CvaeDecoder> {
  const { observationSteps, observationDim, latentDim, horizon, actionDim } = shape;
  const framesDim = observationSteps * observationDim;
  let front: ForwardRows | undefined;
  const { run, destroy } = await forwardPlan(device, 'CVAE', weights, async (builder, loader) => {
    const cvae = await loadCvae(loader, shape);
    front = rows && (await recordForwardRows(builder, loader, rows, batchSize, observationSteps));
    const frames = front ? asTokens(front.rows.buffer, batchSize, 1, framesDim) : tokens(builder, 'frames', batchSize, 1, framesDim);
    const latent = tokens(builder, 'latent', batchSize, 1, latentDim);
    const prediction = tokens(builder, 'prediction', batchSize, horizon, actionDim);
    recordCvae(builder, cvae, frames, latent, asTokens(prediction.buffer, batchSize, horizon, actionDim));
    return { inputs: [latent, ...(front?.inputs ?? [frames])], prediction };
  });
  return {
    decode: (conditioning, latent, pictures = []) => run(latent, ...(front?.pack(conditioning, pictures) ?? [conditioning])),
    destroy,
  };
}

/**
 * Predictions of a CVAE, each of a latent that is drawn for it; they look at no previous chunk. The same calls in the same order draw the same
 * latents.
 */
export async function cvaeForward(
  device: ComputeDevice,
  shape: CvaeShape,
  weights: ReadonlyMap<string, Float32Array>,
  batchSize: number,
  seed: number,
  rows?: RawRows,
): Promise<PredictorForward> {
  const { decode, destroy } = await cvaeDecoder(device, shape, weights, batchSize, rows);
  const { latentDim, latentStd } = shape;
  let calls = 0;
  return {
    batchSize,
    predict: (_, observation, pictures) => {
      const drawn = normals(batchSize * latentDim, { seed, purpose: 'validationNoise', step: calls++ });
      return decode(
        observation,
        drawn.map((value) => value * latentStd),
        pictures,
      );
    },
    destroy,
  };
}
