import { SOLVER_NAMES } from '../diffusion/solver-step.js';
import { checkChoice } from '../foundation/options.js';
import { createFalconStrategy } from './falcon.js';
import { createRtiDpStrategy } from './rti-dp.js';
import { createSolverStrategy } from './solver.js';
import { createStepStrategy } from './step.js';
import type { Strategy, StrategyContext } from './strategy.js';
import type { StrategyOptions } from './strategy-options.js';

export const STRATEGY_NAMES = [...SOLVER_NAMES, 'STEP', 'RTI-DP', 'Falcon'] as const satisfies readonly StrategyOptions['name'][];

/**
 * Builds a strategy from its options.
 * @throws OptionError for unknown names, unknown options, and step counts beyond the training timesteps.
 */
export function createStrategy(options: StrategyOptions, context: StrategyContext): Strategy {
  checkChoice('strategy', 'name', options.name, STRATEGY_NAMES);
  switch (options.name) {
    case 'STEP':
      return createStepStrategy(options, context);
    case 'RTI-DP':
      return createRtiDpStrategy(options, context);
    case 'Falcon':
      return createFalconStrategy(options, context);
    default:
      return createSolverStrategy(options, context);
  }
}
