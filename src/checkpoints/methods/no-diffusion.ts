import type { ExpectedTensor } from '../named-tensors.js';
import { readClipRange } from './common-config.js';
import type { MethodFolder } from './define.js';

/** Its timestep is no level of noise: any number would do that training used. */
const MOST_TIMESTEP = 10_000;

/** Heads linear → ReLU → linear over the conditioning, and a U-Net that returns the chunk. */
export const NO_DIFFUSION_FOLDER: MethodFolder<'no_diffusion'> = {
  type: 'no_diffusion',
  read: (json, common) => {
    json.choice('activation', ['relu'], 'relu');
    json.choice('std', ['softplus'], 'softplus');
    json.choice('prediction_type', ['sample'], 'sample');
    return {
      type: 'no_diffusion',
      ...common,
      hiddenDim: json.integer('hidden_dim', {}),
      timestep: json.integer('timestep', { fallback: 50, min: 0, max: MOST_TIMESTEP }),
      clip: readClipRange(json),
    };
  },
  unets: () => ['unet.'],
  others: ({ unet, hiddenDim }) => {
    const because = 'hidden_dim, horizon, action_dim, n_obs_steps and obs_dim';
    const all = new Map<string, ExpectedTensor>();
    for (const head of ['mean_head', 'std_head']) {
      const outputs = unet.horizon * unet.actionDim;
      all.set(`${head}.0.weight`, { shape: [hiddenDim, unet.conditioningDim], because });
      all.set(`${head}.0.bias`, { shape: [hiddenDim], because });
      all.set(`${head}.2.weight`, { shape: [outputs, hiddenDim], because });
      all.set(`${head}.2.bias`, { shape: [outputs], because });
    }
    return all;
  },
};
