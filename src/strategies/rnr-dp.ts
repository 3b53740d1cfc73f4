import { NETWORK_CLIP } from './clip-option.js';
import { defineStrategy } from './define.js';
import { LadderedEpisode } from './laddered-episode.js';
import { NETWORK_NEEDS } from './network-needs.js';
import { integer } from './option-kinds.js';
import { slotSolverOf } from './slot-network.js';
import { neededNetwork } from './strategy.js';

const NEED = NETWORK_NEEDS['RNR-DP'];
const TYPE = NEED.network;

/**
 * RNR-DP (Chen et al. 2025, "Responsive Noise-Relaying Diffusion Policy"): a buffer whose row i is at level i. A decision is one evaluation and
 * one action; the first of an episode makes as many as the buffer has rows.
 */
export const RNR_DP = defineStrategy({
  name: 'RNR-DP',
  spelled: 'rnr-dp',
  count: 'observeEvery',
  options: {
    observeEvery: integer(1, 1000, 1, 'decisions that read one observation (1)'),
    clip: NETWORK_CLIP,
  },
  create: ({ observeEvery, clip }, context) => {
    const network = neededNetwork('RNR-DP', NEED, context);
    const { horizon: slots, actionDim } = network.unet;
    const schedule = slotSolverOf(network, clip).solver.schedule([Array.from({ length: slots }, (_, slot) => slot)]);
    const laddered = { slots, actionDim, schedule, observeEvery, denoiser: TYPE };
    return {
      description: `RNR-DP (${slots} levels, one action per decision${observeEvery > 1 ? `, an observation every ${observeEvery}` : ''})`,
      schedules: [schedule],
      usual: schedule,
      needs: [NEED],
      denoiser: TYPE,
      actionSteps: 1,
      firstRow: 0,
      horizon: slots,
      needsOnlyChunks: false,
      begin: () => new LadderedEpisode(laddered),
    };
  },
});
