import { consistencySchedule, inputScale, levelOfBin } from '../diffusion/consistency.js';
import { OptionError } from '../foundation/errors.js';
import type { ConsistencyNetwork } from '../spec/method-networks.js';
import { NETWORK_CLIP } from './clip-option.js';
import { defineStrategy } from './define.js';
import { NETWORK_NEEDS } from './network-needs.js';
import { networkRuns, type WarmRun } from './network-runs.js';
import { choice, integer, toggle } from './option-kinds.js';
import { neededNetwork } from './strategy.js';

const NEED = NETWORK_NEEDS.Consistency;
const TYPE = NEED.network;

/**
 * Consistency Policy (arXiv 2405.07503): a student jumps from the highest level to the chunk in one evaluation; with more, the chunk is noised
 * to lower levels and denoised again. The start is N(0, 1), not multiplied by the level, as in the release.
 */
export const CONSISTENCY = defineStrategy({
  name: 'Consistency',
  spelled: 'consistency',
  count: 'steps',
  options: {
    steps: integer(1, ({ methods }) => 1 + (methods?.[TYPE]?.chainingBins.length ?? 1000), 1, 'network evaluations per decision (1)'),
    chaining: choice(['bins', 'raw'], 'bins', "what the network's chaining bins are: bins, or raw levels (bins)"),
    warm: toggle(
      false,
      'decisions after the first start from a prediction, noised to the last chaining bins; not more steps than there are (off)',
    ),
    clip: NETWORK_CLIP,
  },
  create: ({ steps, chaining, warm, clip }, context) => {
    const network = neededNetwork('Consistency', NEED, context);
    const levels = [network.sigmaMax, ...network.chainingBins.slice(0, steps - 1).map((bin) => levelOf(network, bin, chaining))];
    const clamp = clip === undefined ? network.clip : clip;
    const schedule = consistencySchedule(network, levels, clamp);
    const description = `Consistency Policy ${steps}${steps > 1 ? ` (${chaining})` : ''}`;
    const start = { noiseScale: inputScale(network, network.sigmaMax) };
    const later = warm ? warmRun(network, steps, chaining, clamp) : undefined;
    return networkRuns({ description, need: NEED, schedule, start, warm: later }, context);
  },
});

/** From Â + T·ε, T the first of the last `steps` levels. @throws OptionError where the network has fewer chaining bins. */
function warmRun(network: ConsistencyNetwork, steps: number, chaining: 'bins' | 'raw', clip: number | null): WarmRun {
  const bins = network.chainingBins.length;
  if (steps > bins) {
    throw new OptionError(
      `strategy Consistency: evaluations of warm decisions are at chaining bins, so that steps must be at most ${bins} with warm, as many as the ` +
        `network has of them, found ${steps}: ${bins === 0 ? '' : 'ask for fewer, or '}leave warm out.`,
    );
  }
  const levels = network.chainingBins.slice(-steps).map((bin) => levelOf(network, bin, chaining));
  const first = levels[0] as number;
  const scale = inputScale(network, first);
  return { predictionScale: scale, noiseScale: scale * first, schedule: consistencySchedule(network, levels, clip) };
}

function levelOf(network: ConsistencyNetwork, bin: number, chaining: 'bins' | 'raw'): number {
  if (chaining === 'bins') return levelOfBin(network, bin);
  if (bin > network.sigmaMin && bin <= network.sigmaMax) return bin;
  throw new OptionError(
    `strategy Consistency: chaining raw takes the network's chaining bins for levels, which lie above sigma_min ${network.sigmaMin} and up to ` +
      `sigma_max ${network.sigmaMax}, found ${bin}: use chaining bins.`,
  );
}
