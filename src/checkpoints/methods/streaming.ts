import type { MethodFolder } from './define.js';
import { readSlotConfig } from './slot-config.js';

/**
 * Streaming Diffusion Policy (TEDiUnetLowdimPolicy): the encoder of levels reads the sinusoids of all rows, one after the other. Its buffer may have
 * another horizon than the policy that it is loaded beside.
 */
export const STREAMING_FOLDER: MethodFolder<'streaming_diffusion'> = {
  type: 'streaming_diffusion',
  read: (json, common) => {
    json.choice('time_embeddings', ['slots_concatenated'], 'slots_concatenated');
    // With global conditioning the action that "constant" begins with reads zeros: the release does the same for both.
    const init = json.choice('buffer_init', ['zero', 'constant', 'denoise'], 'zero');
    const { unet, actionSteps, observationSteps } = common;
    const ahead = unet.horizon - (observationSteps - 1);
    if (actionSteps > ahead) json.fail('n_action_steps', `from 1 to ${ahead}, horizon − (n_obs_steps − 1)`);
    return {
      type: 'streaming_diffusion',
      ...common,
      unet: { ...unet, levels: { embeddings: 1, joined: unet.horizon, layers: [3, 5], rounded: true } },
      ...readSlotConfig(json),
      bufferInit: init === 'denoise' ? 'denoise' : 'zero',
    };
  },
  unets: () => [''],
};
