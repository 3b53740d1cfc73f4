import { SOLVER_NAMES } from '../diffusion/solver-step.js';
import { checkChoice } from '../options.js';
import { createSolverStrategy } from './solver-strategy.js';
import { createStepStrategy } from './step-strategy.js';
import type { Strategy, StrategyContext, StrategyOptions } from './strategy.js';

const NAMES = [...SOLVER_NAMES, 'STEP'] as const;

/**
 * Builds a strategy from its options.
 * @throws OptionError for unknown names, unknown options, and step counts beyond the training timesteps.
 */
export function createStrategy(options: StrategyOptions, context: StrategyContext): Strategy {
  checkChoice('strategy', 'name', options.name, NAMES);
  return options.name === 'STEP' ? createStepStrategy(options, context) : createSolverStrategy(options, context.scheduler);
}
