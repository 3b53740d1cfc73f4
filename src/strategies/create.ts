import { checkChoice, checkObject } from '../foundation/options.js';
import type { StrategyDefinition } from './define.js';
import { NETWORK_NEEDS } from './network-needs.js';
import { missingNetwork, type Strategy, type StrategyContext } from './strategy.js';
import type { StrategyOptions } from './strategy-options.js';

/**
 * Builds a strategy from its options.
 * @throws OptionError for unknown names, unknown options, values beyond their range, and networks that are missing.
 */
export type CreateStrategy = (options: StrategyOptions, context: StrategyContext) => Strategy;

/** Builds those of `definitions`; for those of methods that are not among them the network is missing that they need. */
export function createFrom(definitions: readonly Pick<StrategyDefinition, 'name' | 'create'>[]): CreateStrategy {
  const methods = Object.keys(NETWORK_NEEDS) as (keyof typeof NETWORK_NEEDS)[];
  const names = [...new Set([...definitions.map(({ name }) => name), ...methods])];
  return (options, context) => {
    checkObject('strategy', 'options', options);
    const name = checkChoice('strategy', 'name', options.name, names);
    const definition = definitions.find((one) => one.name === name);
    if (!definition) throw missingNetwork(name, NETWORK_NEEDS[name as keyof typeof NETWORK_NEEDS]);
    return definition.create(options, context);
  };
}
