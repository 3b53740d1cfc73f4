import { checkChoice, checkObject } from '../foundation/options.js';
import { BRIDGER } from './bridger.js';
import { CONSISTENCY } from './consistency.js';
import type { OptionsOf } from './define.js';
import { FALCON } from './falcon.js';
import { NO_DIFFUSION } from './no-diffusion.js';
import { ONEDP } from './onedp.js';
import { RNR_DP } from './rnr-dp.js';
import { RTI_DP } from './rti-dp.js';
import { SDP } from './sdp.js';
import { DDIM, DDPM, DPM_SOLVER } from './solver.js';
import { STEP } from './step.js';
import type { Strategy, StrategyContext } from './strategy.js';

/** All strategies, one line each. */
export const STRATEGIES = [DDPM, DDIM, DPM_SOLVER, STEP, RTI_DP, FALCON, CONSISTENCY, ONEDP, NO_DIFFUSION, SDP, RNR_DP, BRIDGER] as const;

/** Options that name a strategy; see `createStrategy`. */
export type StrategyOptions = OptionsOf<(typeof STRATEGIES)[number]>;

export const STRATEGY_NAMES: readonly StrategyOptions['name'][] = STRATEGIES.map(({ name }) => name);

/**
 * Builds a strategy from its options.
 * @throws OptionError for unknown names, unknown options, and values beyond their range.
 */
export function createStrategy(options: StrategyOptions, context: StrategyContext): Strategy {
  checkObject('strategy', 'options', options);
  const name = checkChoice('strategy', 'name', options.name, STRATEGY_NAMES);
  return (STRATEGIES.find((strategy) => strategy.name === name) as (typeof STRATEGIES)[number]).create(options, context);
}
