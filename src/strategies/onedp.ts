import { alphasCumprod } from '../diffusion/noise-schedule.js';
import { oneEvaluation } from '../diffusion/one-evaluation.js';
import { networkOutputTerms, signalAndNoise } from '../diffusion/solver-step.js';
import { OptionError } from '../foundation/errors.js';
import { NETWORK_CLIP } from './clip-option.js';
import { defineStrategy } from './define.js';
import { NETWORK_NEEDS } from './network-needs.js';
import { networkRuns } from './network-runs.js';
import { choice, toggle } from './option-kinds.js';
import { neededNetwork } from './strategy.js';

const NEED = NETWORK_NEEDS.OneDP;

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
    warm: toggle(false, "decisions after the first start from a prediction, noised to the generator's timestep; for stochastic ones (off)"),
    clip: NETWORK_CLIP,
  },
  create: ({ variant, warm, clip }, context) => {
    const network = neededNetwork('OneDP', NEED, context);
    const { timestep, predictionType, noiseSchedule } = network;
    const cumulative = alphasCumprod(noiseSchedule, 'pytorch');
    const terms = networkOutputTerms(
      { alphasCumprod: cumulative, predictionType, clip: clip === undefined ? network.clip : clip },
      timestep,
    );
    const schedule = oneEvaluation(terms, [timestep]);
    const chosen = variant ?? network.variant;
    if (warm && chosen === 'deterministic') {
      throw new OptionError(
        'strategy OneDP: warm starts from a noised prediction, and a deterministic generator was trained from zeros alone: leave warm out.',
      );
    }
    const start = { noiseScale: chosen === 'stochastic' ? 1 : 0 };
    const { signal, noise } = signalAndNoise(cumulative, timestep);
    const later = warm ? { predictionScale: signal, noiseScale: noise, schedule } : undefined;
    return networkRuns({ description: `OneDP (${chosen})`, need: NEED, schedule, start, warm: later }, context);
  },
});
