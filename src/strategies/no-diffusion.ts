import { oneEvaluation } from '../diffusion/one-evaluation.js';
import { NETWORK_CLIP } from './clip-option.js';
import { defineStrategy } from './define.js';
import { NETWORK_NEEDS } from './network-needs.js';
import { networkRuns } from './network-runs.js';
import { neededNetwork } from './strategy.js';

const NEED = NETWORK_NEEDS['NO-Diffusion'];

/**
 * NO-Diffusion (Aizu et al. 2025; experimental: reconstructed from a summary, no code was published): heads predict mean and standard
 * deviation of a start from the observation, and one evaluation makes the chunk of what is drawn from them.
 */
export const NO_DIFFUSION = defineStrategy({
  name: 'NO-Diffusion',
  spelled: 'no-diffusion',
  options: { clip: { ...NETWORK_CLIP, help: "experimental; clamp of the chunk, or none (the network's)" } },
  create: ({ clip }, context) => {
    const network = neededNetwork('NO-Diffusion', NEED, context);
    const { timestep } = network;
    const terms = {
      timestep,
      clip: clip === undefined ? network.clip : clip,
      x0FromSample: 0,
      x0FromOutput: 1,
      epsFromSample: 0,
      epsFromOutput: 0,
    };
    const schedule = oneEvaluation(terms, [timestep]);
    return networkRuns({ description: 'NO-Diffusion (experimental)', need: NEED, schedule, start: 'prediction' }, context);
  },
});
