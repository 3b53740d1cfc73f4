import type { MethodCaseKind } from './define.js';
import { activations, chunksOf, probeOf } from './one-batch.js';
import { decideUnclamped } from './one-evaluation.js';

const STRATEGY = { name: 'OneDP' } as const;

/** Cases of OneDP, stochastic or deterministic as the network says. */
export const ONEDP_CASE: MethodCaseKind = {
  strategy: () => STRATEGY,
  probes: ['model_output'],
  tolerance: 2e-5,
  compute: async (run) => {
    const { decisions, unclamped } = await decideUnclamped(run, STRATEGY);
    return new Map<string, ArrayLike<number>>([
      ['model_output', probeOf(decisions, 'model_output.0')],
      ['unclamped', unclamped],
      ['chunk', chunksOf(decisions)],
      ...activations(run, decisions),
    ]);
  },
};
