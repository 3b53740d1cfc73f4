import { alphasCumprod } from '../diffusion/noise-schedule.js';
import { oneEvaluation } from '../diffusion/one-evaluation.js';
import { networkOutputTerms } from '../diffusion/solver-step.js';
import { NETWORK_CLIP } from './clip-option.js';
import { defineStrategy } from './define.js';
import { NETWORK_NEEDS } from './network-needs.js';
import { choice } from './option-kinds.js';
import { neededNetwork, singleRuns } from './strategy.js';

const NEED = NETWORK_NEEDS.OneDP;
const TYPE = NEED.network;

/** OneDP (arXiv 2410.21257): a generator distilled from the policy makes the chunk in one evaluation at a fixed timestep. */
export const ONEDP = defineStrategy({
  name: 'OneDP',
  spelled: 'onedp',
  options: {
    variant: choice<'stochastic' | 'deterministic', undefined>(
      ['stochastic', 'deterministic'],
      undefined,
      "from noise, stochastic, or from zeros, deterministic (the network's)",
    ),
    clip: NETWORK_CLIP,
  },
  create: ({ variant, clip }, context) => {
    const network = neededNetwork('OneDP', NEED, context);
    const { timestep, predictionType, noiseSchedule } = network;
    const terms = networkOutputTerms(
      { alphasCumprod: alphasCumprod(noiseSchedule, 'pytorch'), predictionType, clip: clip === undefined ? network.clip : clip },
      timestep,
    );
    const schedule = oneEvaluation(terms, [timestep]);
    const chosen = variant ?? network.variant;
    const start = {
      predictionScale: 0,
      noiseScale: chosen === 'stochastic' ? 1 : 0,
      schedule,
      denoiser: TYPE,
      warm: false,
      stalled: false,
    } as const;
    return {
      description: `OneDP (${chosen})`,
      schedules: [schedule],
      usual: schedule,
      needs: [NEED],
      denoiser: TYPE,
      actionSteps: context.actionSteps,
      needsOnlyChunks: true,
      begin: singleRuns(() => start),
    };
  },
});
