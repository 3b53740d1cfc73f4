import { oneEvaluation } from '../diffusion/one-evaluation.js';
import { NETWORK_CLIP } from './clip-option.js';
import { defineStrategy } from './define.js';
import { NETWORK_NEEDS } from './network-needs.js';
import { neededNetwork, singleRuns } from './strategy.js';

const NEED = NETWORK_NEEDS['NO-Diffusion'];
const TYPE = NEED.network;

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
    const start = { predictionScale: 1, noiseScale: 0, schedule, denoiser: TYPE, warm: false, stalled: false } as const;
    return {
      description: 'NO-Diffusion (experimental)',
      schedules: [schedule],
      usual: schedule,
      needs: [NEED],
      denoiser: TYPE,
      predicts: true,
      actionSteps: context.actionSteps,
      needsOnlyChunks: true,
      begin: singleRuns(() => start),
    };
  },
});
