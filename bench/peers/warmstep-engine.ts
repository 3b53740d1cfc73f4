import { loadPolicyCheckpoint } from '../../src/checkpoints/read-policy.js';
import { adapterName } from '../../src/cli/load.js';
import type { DecisionInput } from '../../src/decision/decision-input.js';
import { DecisionPlan } from '../../src/decision/decision-plan.js';
import { loadNetworks } from '../../src/decision/networks.js';
import { openDevice } from '../../src/platform/node/device.js';
import { syntheticPolicy } from '../../src/synthetic/checkpoint.js';
import { given } from '../../src/terminal/options.js';
import type { Engine, EngineSpec } from './engine.js';
import type { PeerUnet, Workload } from './networks.js';
import { createWork, type UnetWorkload } from './work.js';

/**
 * This engine: the plan that act() replays, with a given start and given coefficients. Every run has the upload of the
 * observation, its normalisation, the check of the result and the read-back in it, as a decision of a robot has.
 */
export async function openWarmstep(spec: EngineSpec & { engine: 'warmstep' }, size: PeerUnet): Promise<Engine> {
  const { precision, adapter, profile } = spec;
  const device = await openDevice({ ...given({ adapter }), profile });
  const checkpoint = await loadPolicyCheckpoint(syntheticPolicy(size));
  const networks = await loadNetworks(device, checkpoint, undefined, { precision });
  const { horizon, actionDim } = checkpoint.unet;
  const plan = await DecisionPlan.compile(networks, {
    batch: 1,
    observationSteps: checkpoint.observationSteps,
    frameWidth: checkpoint.observations.reduce((sum, feature) => sum + feature.size, 0),
    horizon,
    actionDim,
    maxSteps: 2,
    maxNoiseRows: 0,
  });
  const work = createWork(size);
  const input = (workload: Workload): DecisionInput => ({
    // Statistics of the synthetic policy are −1 and 1: a normalised observation is the raw one.
    observations: work.conditioning,
    schedule: work.schedules[workload as UnetWorkload],
    starts: [{ predictionScale: 0, noiseScale: 1 }],
    history: undefined,
    noise: work.sample,
    stepNoise: [],
  });
  return {
    details: {
      adapter: adapterName(device),
      deviceBytes: networks.bytes,
      dispatchesOfTwoSteps: plan.dispatchCount(2, false),
    },
    run: async (workload) => (await plan.run(input(workload))).normalizedChunk,
    close: async () => {
      plan.destroy();
      networks.destroy();
      await checkpoint.close();
      device.dispose();
    },
  };
}
