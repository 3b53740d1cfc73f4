import { type NoDiffusionBatch, noDiffusion } from '../../methods/no-diffusion.js';
import { beginFresh } from './begin.js';
import type { TrainableMethod } from './define.js';

/** The level that the network is told, always: any would do that inference tells it too. */
const TIMESTEP = 50;
const HIDDEN_DIM = 256;

/** NO-Diffusion, experimental: nobody published its code, widths or weights. */
export const NO_DIFFUSION: TrainableMethod = {
  preset: 'diffusion-policy',
  steps: 100_000,
  title: 'NO-Diffusion',
  strategy: { name: 'NO-Diffusion' },
  accepts: ['sizes', 'horizon', 'actionSteps', 'hiddenDim'],
  open: async (context) => {
    const { shape, options, batchSize } = context;
    const { hiddenDim = HIDDEN_DIM } = options;
    const step = await beginFresh(context, noDiffusion({ shape, batchSize, hiddenDim, timestep: TIMESTEP }));
    return {
      step,
      batch: ({ count, conditioning, actions }, draws): NoDiffusionBatch => ({
        count,
        conditioning,
        actions,
        noise: draws.normals('methodNoise', actions.length),
      }),
      config: {
        type: 'no_diffusion',
        hidden_dim: hiddenDim,
        activation: 'relu',
        std: 'softplus',
        timestep: TIMESTEP,
        prediction_type: 'sample',
        clip_range: 1,
      },
      destroy: () => {},
    };
  },
};
