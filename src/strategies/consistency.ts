import { consistencySchedule, inputScale, levelOfBin } from '../diffusion/consistency.js';
import { OptionError } from '../foundation/errors.js';
import type { ConsistencyNetwork } from '../spec/method-networks.js';
import { NETWORK_CLIP } from './clip-option.js';
import { defineStrategy } from './define.js';
import { networkRuns } from './network-runs.js';
import { choice, integer } from './option-kinds.js';
import { type NetworkNeed, neededNetwork } from './strategy.js';

const TYPE = 'consistency_policy';
const NEED = { network: TYPE, why: 'as its student', given: 'the folder of the student' } as const satisfies NetworkNeed;

/**
 * Consistency Policy (arXiv 2405.07503): a student jumps from the highest level to the chunk in one evaluation; with more, the chunk is noised
 * to lower levels and denoised again. The start is N(0, 1), not multiplied by the level, as in the release.
 */
export const CONSISTENCY = defineStrategy({
  name: 'Consistency',
  spelled: 'consistency',
  count: 'steps',
  options: {
    /** Network evaluations per decision: 1, and one more for every chaining bin of the network. Default 1. */
    steps: integer(1, ({ methods }) => 1 + (methods?.[TYPE]?.chainingBins.length ?? 1000), 1, 'network evaluations per decision (1)'),
    /**
     * What the network's chaining bins are: `bins`, whose levels follow from the spacing (default, as the release's README describes it), or
     * `raw`, levels themselves, as its shipped setting runs.
     */
    chaining: choice(['bins', 'raw'], 'bins', "what the network's chaining bins are: bins, or raw levels (bins)"),
    clip: NETWORK_CLIP,
  },
  create: ({ steps, chaining, clip }, context) => {
    const network = neededNetwork('Consistency', NEED, context);
    const levels = [network.sigmaMax, ...network.chainingBins.slice(0, steps - 1).map((bin) => levelOf(network, bin, chaining))];
    const schedule = consistencySchedule(network, levels, clip === undefined ? network.clip : clip);
    const description = `Consistency Policy ${steps}${steps > 1 ? ` (${chaining})` : ''}`;
    const start = { noiseScale: inputScale(network, network.sigmaMax) };
    return networkRuns({ description, need: NEED, schedule, start }, context);
  },
});

function levelOf(network: ConsistencyNetwork, bin: number, chaining: 'bins' | 'raw'): number {
  if (chaining === 'bins') return levelOfBin(network, bin);
  if (bin > network.sigmaMin && bin <= network.sigmaMax) return bin;
  throw new OptionError(
    `strategy Consistency: chaining raw takes the network's chaining bins for levels, which lie above sigma_min ${network.sigmaMin} and up to ` +
      `sigma_max ${network.sigmaMax}, found ${bin}: use chaining bins.`,
  );
}
