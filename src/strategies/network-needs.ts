import type { NetworkNeed } from './strategy.js';

/** Strategies with networks of their own, in the order in which they are listed: their names, and what each has to be given. */
export const NETWORK_NEEDS = {
  Consistency: { network: 'consistency_policy', why: 'as its student', given: 'the folder of the student (warmstep train consistency)' },
  OneDP: { network: 'onedp', why: 'as its generator', given: 'the folder of the generator (warmstep train onedp)' },
  'NO-Diffusion': {
    network: 'no_diffusion',
    why: 'for start and chunk',
    given: 'the folder of heads and U-Net (warmstep train no-diffusion)',
  },
  SDP: {
    network: 'streaming_diffusion',
    why: 'whose rows have a level each',
    given: 'the folder of the streaming network (warmstep train sdp)',
  },
  'RNR-DP': {
    network: 'rnr_policy',
    why: 'whose rows are conditioned each by its level',
    given: 'the folder of its network (warmstep train rnr-dp)',
  },
  BRIDGER: {
    network: 'bridger',
    why: 'for its drift, velocity and score',
    given: 'the folder of its three U-Nets (warmstep train bridger)',
  },
} as const satisfies Readonly<Record<string, NetworkNeed>>;

/** What a strategy with a network of its own has to be given; undefined for any other, also for names that are none. */
export function networkNeedOf(strategy: string): NetworkNeed | undefined {
  return Object.entries<NetworkNeed>(NETWORK_NEEDS).find(([name]) => name === strategy)?.[1];
}
