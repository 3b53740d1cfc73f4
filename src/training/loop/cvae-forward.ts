import { loadCvae, recordCvae } from '../../networks/cvae/cvae.js';
import type { ComputeDevice } from '../../runtime/device.js';
import { asTokens, tokens } from '../../runtime/tensor.js';
import type { CvaeShape } from '../../spec/network-shapes.js';
import { normals } from './draws.js';
import { forwardPlan } from './forward-plan.js';
import type { PredictorForward } from './predictor-forward.js';

/**
 * Brings the decoder of a CVAE to the device as a policy would. A prediction decodes a latent that is drawn for it; it looks at no previous
 * chunk. The same calls in the same order draw the same latents.
 */
export async function cvaeForward(
  device: ComputeDevice,
  shape: CvaeShape,
  weights: ReadonlyMap<string, Float32Array>,
  batchSize: number,
  seed: number,
): Promise<PredictorForward> {
  const { observationSteps, observationDim, latentDim, latentStd, horizon, actionDim } = shape;
  const { run, destroy } = await forwardPlan(device, 'CVAE', weights, async (builder, loader) => {
    const cvae = await loadCvae(loader, shape);
    const frames = tokens(builder, 'frames', batchSize, 1, observationSteps * observationDim);
    const latent = tokens(builder, 'latent', batchSize, 1, latentDim);
    const prediction = tokens(builder, 'prediction', batchSize, horizon, actionDim);
    recordCvae(builder, cvae, frames, latent, asTokens(prediction.buffer, batchSize, horizon, actionDim));
    return { inputs: [frames, latent], prediction };
  });
  let calls = 0;
  return {
    batchSize,
    predict: (_, observation) => {
      const drawn = normals(batchSize * latentDim, { seed, purpose: 'validationNoise', step: calls++ });
      return run(
        observation,
        drawn.map((value) => value * latentStd),
      );
    },
    destroy,
  };
}
