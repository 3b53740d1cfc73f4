import { type Cvae, recordCvae } from '../../networks/cvae/cvae.js';
import { asTokens, probeTensor } from '../../runtime/tensor.js';
import { rangeAsTokens, type Start } from './start.js';

/** The decoder of a CVAE. `rowWidth`: values of a row, where it reads those in place of the conditioning. Probe: `features`. */
export function cvaeStart(network: Cvae, rowWidth = 0): Start {
  const { latentDim, latentStd, observationSteps, observationDim } = network.shape;
  return {
    kind: 'cvae',
    rowWidth,
    latentDim,
    latentStd,
    record: (builder, { frames, rows, latent }, prediction) => {
      const { batch } = prediction;
      const size = observationSteps * observationDim;
      const all = rowWidth > 0 ? rangeAsTokens(rows, batch, 1, size) : asTokens(frames.buffer, batch, 1, size);
      recordCvae(builder, network, all, rangeAsTokens(latent, batch, 1, latentDim), prediction);
      probeTensor(builder, 'features', all);
    },
  };
}
