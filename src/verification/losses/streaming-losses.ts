import { readCommon, readNoiseSchedule } from '../../checkpoints/methods/common-config.js';
import { streamingDiffusion } from '../../training/methods/streaming-diffusion.js';
import { computeStep, type LossKind } from './loss-kind.js';

/** Streaming diffusion: one loss per regime of levels. */
export const STREAMING_LOSSES: LossKind = {
  tolerance: () => 8e-6,
  compute: async (device, files, regime) => {
    const { config, batchSize } = files;
    const predictionType = config.choice('prediction_type', ['epsilon', 'sample'], 'epsilon');
    const method = streamingDiffusion({ shape: readCommon(config).unet, batchSize, schedule: readNoiseSchedule(config), predictionType });
    const batch = {
      count: batchSize,
      conditioning: await files.conditioning(),
      actions: await files.floats('action'),
      noise: await files.floats(`${regime}.noise`),
      levels: await files.integers(`${regime}.levels`),
    };
    const { loss, gradients } = await computeStep(device, method, await files.weights('network/model.safetensors'), batch);
    return { values: { loss }, gradients };
  },
};
