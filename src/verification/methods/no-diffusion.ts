import type { MethodCaseKind } from './define.js';
import { activations, chunksOf, probeOf } from './one-batch.js';
import { decideUnclamped } from './one-evaluation.js';

const STRATEGY = { name: 'NO-Diffusion' } as const;

/** What the file calls the U-Net. */
const UNET = 'unet.';

/** Cases of NO-Diffusion: the heads' start, and the chunk of one evaluation. */
export const NO_DIFFUSION_CASE: MethodCaseKind = {
  strategy: () => STRATEGY,
  probes: ['mean', 'std', 'start', 'model_output'],
  activationPrefix: UNET,
  tolerance: 2e-5,
  compute: async (run) => {
    const { decisions, unclamped } = await decideUnclamped(run, STRATEGY);
    return new Map<string, ArrayLike<number>>([
      ['mean', probeOf(decisions, 'mean')],
      ['std', probeOf(decisions, 'std')],
      ['start', probeOf(decisions, 'start')],
      ['unclamped', unclamped],
      ['chunk', chunksOf(decisions)],
      ...activations(run, decisions, { prefix: UNET }),
    ]);
  },
};
