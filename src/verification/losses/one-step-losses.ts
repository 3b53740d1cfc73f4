import { readCommon, readNoiseSchedule } from '../../checkpoints/methods/common-config.js';
import { CheckpointError } from '../../foundation/errors.js';
import { frozenNetwork } from '../../training/methods/method-training.js';
import { DIFFERENCE_PROBE, oneStepGenerator, oneStepScore } from '../../training/methods/one-step.js';
import { methodUnet } from '../../training/methods/unet-network.js';
import type { ParameterStore } from '../../training/plan/parameter-store.js';
import { norm } from '../training/compare-training.js';
import { type ComputedLoss, computeStep, type LossKind, withNetworks } from './loss-kind.js';

/** One-Step Diffusion Policy: the generator's surrogate, and the score network's loss on its actions. */
export const ONE_STEP_LOSSES: LossKind = {
  tolerance: () => 8e-6,
  compute: async (device, files, loss) => {
    const { config, batchSize } = files;
    const shape = readCommon(config).unet;
    const options = { shape, batchSize, schedule: readNoiseSchedule(config), initTimestep: config.integer('init_timestep', { min: 0 }) };
    const isStochastic = config.choice('variant', ['stochastic', 'deterministic'], 'stochastic') === 'stochastic';
    const noise = await files.floats('eps');
    const batch = {
      count: batchSize,
      conditioning: await files.conditioning(),
      start: isStochastic ? await files.floats('noise') : new Float32Array(noise.length),
      noise,
      timesteps: await files.integers('level'),
    };
    const weights = await files.weights('network/model.safetensors');
    const frozen = (file: string) => async (): Promise<ParameterStore> =>
      frozenNetwork(device, methodUnet(shape), await files.weights(file));
    if (loss === 'score_net') {
      const opening = { generator: () => frozenNetwork(device, methodUnet(shape), weights) };
      return withNetworks(opening, async ({ generator }) => {
        const own = await files.weights('train/score.safetensors');
        const found = await computeStep(device, oneStepScore(options, generator), own, batch);
        return { values: { loss: found.loss }, gradients: found.gradients };
      });
    }
    if (loss !== 'generator') throw new CheckpointError(`case "${files.name}": losses.json has a loss "${loss}", which is none of OneDP.`);
    const teacher = frozen('train/teacher.safetensors');
    const opening = isStochastic ? { teacher, score: frozen('train/score.safetensors') } : { teacher };
    return withNetworks<{ readonly teacher: ParameterStore; readonly score?: ParameterStore }, ComputedLoss>(opening, async (networks) => {
      const found = await computeStep(device, oneStepGenerator(options, networks), weights, batch, [DIFFERENCE_PROBE]);
      const difference = found.probes.get(DIFFERENCE_PROBE) as Float32Array;
      return {
        values: { surrogate: found.loss, weighted_score_difference_norm: norm(difference) },
        gradients: found.gradients,
      };
    });
  },
};
