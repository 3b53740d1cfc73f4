import { readClipRange, readNoiseSchedule } from './common-config.js';
import type { MethodFolder } from './define.js';

/** OneDP's generator: a policy's U-Net that is only ever asked at one timestep. */
export const ONEDP_FOLDER: MethodFolder<'onedp'> = {
  type: 'onedp',
  read: (json, common) => {
    const noiseSchedule = readNoiseSchedule(json);
    return {
      type: 'onedp',
      ...common,
      variant: json.choice('variant', ['stochastic', 'deterministic'], 'stochastic'),
      noiseSchedule,
      // From its noise the chunk follows by dividing by the scale of the signal; nothing else was published.
      predictionType: json.choice('prediction_type', ['epsilon'], 'epsilon'),
      timestep: json.integer('init_timestep', { fallback: 65, min: 0, max: noiseSchedule.numTrainTimesteps - 1 }),
      clip: readClipRange(json),
    };
  },
  unets: () => [''],
};
