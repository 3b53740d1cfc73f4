import { readCommon, readNoiseSchedule } from '../../checkpoints/methods/common-config.js';
import { noiseRelaying } from '../../training/methods/noise-relaying.js';
import { computeStep, type LossKind } from './loss-kind.js';

/** RNR-DP: one loss per regime of levels, one vector of which serves all samples of a batch. */
export const RELAYING_LOSSES: LossKind = {
  tolerance: () => 8e-6,
  compute: async (device, files, regime) => {
    const { config, batchSize } = files;
    const predictionType = config.choice('prediction_type', ['epsilon', 'sample'], 'epsilon');
    const method = noiseRelaying({ shape: readCommon(config).unet, batchSize, schedule: readNoiseSchedule(config), predictionType });
    const levels = await files.integers(`${regime}.levels`);
    const batch = {
      count: batchSize,
      conditioning: await files.conditioning(),
      actions: await files.floats('action'),
      noise: await files.floats(`${regime}.noise`),
      levels: Int32Array.from({ length: batchSize * levels.length }, (_, i) => levels[i % levels.length] as number),
    };
    // What nobody reads is in the file, and no parameter.
    const learned = new Set(method.network.parameters.map(({ name }) => name));
    const weights = new Map([...(await files.weights('network/model.safetensors'))].filter(([name]) => learned.has(name)));
    const { loss, gradients } = await computeStep(device, method, weights, batch);
    return { values: { loss }, gradients };
  },
};
