import { StreamingLevels } from '../diffusion/streaming-levels.js';
import { NETWORK_CLIP } from './clip-option.js';
import { defineStrategy } from './define.js';
import { NETWORK_NEEDS } from './network-needs.js';
import { choice, toggle } from './option-kinds.js';
import { slotSolverOf } from './slot-network.js';
import { neededNetwork } from './strategy.js';
import { StreamingEpisode, streamingSchedules } from './streaming-episode.js';

const NEED = NETWORK_NEEDS.SDP;
const TYPE = NEED.network;

/**
 * SDP (Høeg et al. 2024, "Streaming Diffusion Policy"): a buffer whose chunks are the noisier the later they are executed. A decision denoises all of it
 * until the first chunk is clean, executes that one, and appends noise behind.
 */
export const SDP = defineStrategy({
  name: 'SDP',
  spelled: 'sdp',
  options: {
    init: choice<'zero' | 'denoise', undefined>(
      ['zero', 'denoise'],
      undefined,
      "begin with noised zeros, zero, or with a buffer that is denoised as a whole, denoise (the network's)",
    ),
    renoisePastSlots: toggle(false, 'whether rows of the past are noised to the level that they are labelled with (off)'),
    clip: NETWORK_CLIP,
  },
  create: ({ init, renoisePastSlots, clip }, context) => {
    const network = neededNetwork('SDP', NEED, context);
    const { unet, actionSteps, observationSteps, noiseSchedule, bufferInit } = network;
    const { horizon, actionDim } = unet;
    const levels = new StreamingLevels({ horizon, actionSteps, observationSteps, numTrainTimesteps: noiseSchedule.numTrainTimesteps });
    const { solver, alphasCumprod } = slotSolverOf(network, clip);
    const schedule = streamingSchedules(levels, solver);
    const whole = (init ?? bufferInit) === 'denoise' ? solver.schedule(levels.common()) : undefined;
    const usual = levels.round().map(schedule);
    const streaming = { levels, actionDim, alphasCumprod, whole, schedule, renoisePastSlots, denoiser: TYPE };
    return {
      description: `SDP (${levels.chunks} chunks of ${actionSteps}, ${usual.map(({ steps }) => steps.length).join(', ')} evaluations)`,
      schedules: [...usual, ...(whole ? [whole] : [])],
      usual: usual[0] as (typeof usual)[number],
      needs: [NEED],
      denoiser: TYPE,
      actionSteps,
      horizon,
      needsOnlyChunks: false,
      begin: () => new StreamingEpisode(streaming),
    };
  },
});
