import { expectedUnetTensors } from '../lerobot/unet-tensors.js';
import type { MethodFolder } from './define.js';
import { readSlotConfig } from './slot-config.js';

/** The middle blocks lie in a list of their own, and convolutions that resample conditioning are named as those of the sample are. */
const TO_LEROBOT = [
  [/^mid_modules\.0\.([01])\./, 'mid_modules.$1.'],
  [/^((?:down|up)_modules\.\d+\.3)\.conv\./, '$1.'],
] as const;
const TO_FILE = [
  [/^mid_modules\.([01])\./, 'mid_modules.0.$1.'],
  [/^((?:down|up)_modules\.\d+\.3)\./, '$1.conv.'],
] as const;

function renamed(name: string, rules: readonly (readonly [RegExp, string])[]): string {
  return rules.reduce((result, [pattern, replacement]) => result.replace(pattern, replacement), name);
}

/**
 * RNR-DP (ConditionalUnet1D of its release): a vector of conditioning for every row, which convolutions of its own resample beside the sample. As many
 * rows as levels, one executed, and none of the past.
 */
export const LADDER_FOLDER: MethodFolder<'rnr_policy'> = {
  type: 'rnr_policy',
  read: (json, common) => {
    json.choice('time_embeddings', ['per_slot'], 'per_slot');
    const slot = readSlotConfig(json);
    const { unet, actionSteps } = common;
    if (slot.noiseSchedule.numTrainTimesteps !== unet.horizon)
      json.fail('num_train_timesteps', `${unet.horizon}, the horizon: row i is at level i`);
    if (actionSteps !== 1) json.fail('n_action_steps', '1: a decision is one action');
    return { type: 'rnr_policy', ...common, ...slot };
  },
  unets: () => [''],
  unetTensors: ({ unet }) => {
    const all = new Map(expectedUnetTensors(unet));
    const width = unet.stepEmbedDim + unet.conditioningDim;
    const because = 'diffusion_step_embed_dim, n_obs_steps and obs_dim';
    const last = unet.downDims.length - 1;
    const layer = (name: string, taps: number): void => {
      all.set(`${name}.weight`, { shape: [width, width, taps], because });
      all.set(`${name}.bias`, { shape: [width], because });
    };
    for (let level = 0; level < last; level++) layer(`down_modules.${level}.3`, 3);
    for (let module = 0; module < last - 1; module++) layer(`up_modules.${module}.3`, 4);
    return all;
  },
  names: { canonical: (name) => renamed(name, TO_LEROBOT), inFile: (name) => renamed(name, TO_FILE) },
  // What the last one makes of the conditioning nobody reads; the release computes it.
  isUnread: ({ unet }, name) => name.startsWith(`up_modules.${unet.downDims.length - 2}.3.`),
};
