import { checkChoice, checkObject } from '../foundation/options.js';
import type { StrategyDefinition } from './define.js';
import { FALCON } from './falcon.js';
import { NETWORK_NEEDS } from './network-needs.js';
import { RTI_DP } from './rti-dp.js';
import { DDIM, DDPM, DPM_SOLVER } from './solver.js';
import { STEP } from './step.js';
import { missingNetwork, type Strategy, type StrategyContext } from './strategy.js';
import type { StrategyOptions } from './strategy-options.js';

/** Strategies that ask a policy's own denoiser, and a predictor at most, one line each. */
export const OWN_STRATEGIES = [DDPM, DDIM, DPM_SOLVER, STEP, RTI_DP, FALCON] as const;

type Name = StrategyOptions['name'];

const NETWORKED_NAMES = Object.keys(NETWORK_NEEDS) as (keyof typeof NETWORK_NEEDS)[];

/** Every strategy's name, also of those whose code is elsewhere. */
export const STRATEGY_NAMES: readonly Name[] = [...OWN_STRATEGIES.map(({ name }) => name), ...NETWORKED_NAMES];

/**
 * Builds a strategy from its options.
 * @throws OptionError for unknown names, unknown options, values beyond their range, and networks that are missing.
 */
export type CreateStrategy = (options: StrategyOptions, context: StrategyContext) => Strategy;

/** Builds those of `definitions`; for all others the network is missing that they need. */
export function createFrom(definitions: readonly Pick<StrategyDefinition, 'name' | 'create'>[]): CreateStrategy {
  return (options, context) => {
    checkObject('strategy', 'options', options);
    const name = checkChoice('strategy', 'name', options.name, STRATEGY_NAMES);
    const definition = definitions.find((one) => one.name === name);
    if (!definition) throw missingNetwork(name, NETWORK_NEEDS[name as keyof typeof NETWORK_NEEDS]);
    return definition.create(options, context);
  };
}

/**
 * For policies without networks of methods: all but the code of strategies that could not be built without one, which is left to be loaded
 * with their networks.
 */
export const createOwnStrategy: CreateStrategy = createFrom(OWN_STRATEGIES);
