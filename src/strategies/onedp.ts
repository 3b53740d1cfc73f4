import { alphasCumprod } from '../diffusion/noise-schedule.js';
import { oneEvaluation } from '../diffusion/one-evaluation.js';
import { networkOutputTerms } from '../diffusion/solver-step.js';
import { NETWORK_CLIP } from './clip-option.js';
import { defineStrategy } from './define.js';
import { networkRuns } from './network-runs.js';
import { choice } from './option-kinds.js';
import { type NetworkNeed, neededNetwork } from './strategy.js';

const TYPE = 'onedp';
const NEED = { network: TYPE, why: 'as its generator', given: 'the folder of the generator' } as const satisfies NetworkNeed;

/** OneDP (arXiv 2410.21257): a generator distilled from the policy makes the chunk in one evaluation at a fixed timestep. */
export const ONEDP = defineStrategy({
  name: 'OneDP',
  spelled: 'onedp',
  options: {
    /** From noise, or from zeros; a generator is trained for one of them. Default: the network's. */
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
    const start = { noiseScale: chosen === 'stochastic' ? 1 : 0 };
    return networkRuns({ description: `OneDP (${chosen})`, need: NEED, schedule, start }, context);
  },
});
