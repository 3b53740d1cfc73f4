import { bridgeSchedule, MOST_BRIDGE_STEPS } from '../diffusion/interpolant.js';
import { BRIDGE_PRIORS, type BridgePrior, SDE_FORMS, type SdeForm } from '../spec/method-networks.js';
import { defineStrategy } from './define.js';
import { NETWORK_NEEDS } from './network-needs.js';
import { choice, integer } from './option-kinds.js';
import { type NetworkNeed, neededNetwork, singleRuns } from './strategy.js';

const NEED = NETWORK_NEEDS.BRIDGER;
const TYPE = NEED.network;
/** What it asks for whose chunks start from a CVAE's. */
export const PRIOR_NEED: NetworkNeed = {
  network: 'predictor',
  kind: 'cvae',
  why: 'as its prior',
  given: "the folder of its CVAE, or take the prior 'normal'",
};

/**
 * BRIDGER (arXiv 2402.16075): a stochastic interpolant goes from a prior chunk to the demonstrated one, sampled as an SDE; each step asks two
 * U-Nets about the same sample. With all quirks of the release's sampler, which its networks are run with (`bridgeSteps`).
 */
export const BRIDGER = defineStrategy({
  name: 'BRIDGER',
  spelled: 'bridger',
  count: 'steps',
  options: {
    steps: integer(1, MOST_BRIDGE_STEPS, 5, 'steps of the SDE, two network evaluations each (5)'),
    sde: choice<SdeForm, undefined>(SDE_FORMS, undefined, "vs, of velocity and score, or bs, of drift and score (the network's)"),
    prior: choice<BridgePrior, undefined>(
      BRIDGE_PRIORS,
      undefined,
      "where chunks start: normal, noise, or cvae, what --predictor makes (the network's)",
    ),
  },
  create: ({ steps, sde, prior }, context) => {
    const network = neededNetwork('BRIDGER', NEED, context);
    const [form, start] = [sde ?? network.sde, prior ?? network.prior];
    const { noiseScale, timeMin, gammaInverseMax } = network;
    const schedule = bridgeSchedule({ steps, form, noiseScale, timeMin, gammaInverseMax });
    const predicts = start === 'cvae';
    const scales = { predictionScale: predicts ? 1 : 0, noiseScale: predicts ? 0 : 1 };
    const request = { ...scales, schedule, denoiser: TYPE, warm: predicts, stalled: false } as const;
    return {
      description: `BRIDGER ${steps} (${form}, prior ${start})`,
      schedules: [schedule],
      usual: schedule,
      needs: predicts ? [NEED, PRIOR_NEED] : [NEED],
      denoiser: TYPE,
      actionSteps: context.actionSteps,
      needsOnlyChunks: true,
      begin: singleRuns(() => request),
    };
  },
});
