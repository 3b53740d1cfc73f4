import { BRIDGER } from './bridger.js';
import { CONSISTENCY } from './consistency.js';
import { type CreateStrategy, createFrom } from './create.js';
import { NO_DIFFUSION } from './no-diffusion.js';
import { ONEDP } from './onedp.js';
import { OWN_STRATEGIES } from './own.js';
import { RNR_DP } from './rnr-dp.js';
import { SDP } from './sdp.js';

/** All strategies: those that need nothing but a policy, and those with networks of their own, one line each. */
export const STRATEGIES = [...OWN_STRATEGIES, CONSISTENCY, ONEDP, NO_DIFFUSION, SDP, RNR_DP, BRIDGER] as const;

/** The strategy of this name; undefined where there is none. */
export function strategyNamed(name: string): (typeof STRATEGIES)[number] | undefined {
  return STRATEGIES.find((strategy) => strategy.name === name);
}

export const createStrategy: CreateStrategy = createFrom(STRATEGIES);
