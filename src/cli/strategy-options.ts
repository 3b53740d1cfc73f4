import { SOLVER_NAMES, type SolverName } from '../diffusion/solver-step.js';
import { WARM_START_MODES } from '../diffusion/warm-start.js';
import type { StepStrategyOptions, StrategyOptions } from '../strategies/strategy-options.js';
import { choiceOption, given, integerOption, UsageError } from '../terminal/options.js';

/** What the command line says about sampling. */
export interface SamplingFlags {
  readonly predictor?: string | undefined;
  readonly solver?: string | undefined;
  readonly steps?: string | undefined;
  readonly budget?: string | undefined;
  readonly 'warm-start'?: string | undefined;
}

/**
 * STEP where there is a predictor and no solver is named, else the named solver, else the checkpoint's scheduler with
 * its own number of steps.
 */
export function strategyFromFlags(flags: SamplingFlags, scheduler: { type: SolverName; numInferenceSteps: number }): StrategyOptions {
  const solver = choiceOption('solver', flags.solver, SOLVER_NAMES);
  const steps = integerOption('steps', flags.steps, 1);
  const budget = integerOption('budget', flags.budget, 1);
  const mode = choiceOption('warm-start', flags['warm-start'], WARM_START_MODES);
  if (solver === undefined && flags.predictor !== undefined) {
    if (steps !== undefined && budget !== undefined && steps !== budget) {
      throw new UsageError('--steps and --budget mean the same for STEP, network evaluations per warm decision: give one of them');
    }
    return { name: 'STEP', ...given({ budget: budget ?? steps, warmStart: mode && { mode } }) } satisfies StepStrategyOptions;
  }
  if (budget !== undefined || mode !== undefined) {
    throw new UsageError('--budget and --warm-start belong to STEP: give --predictor, and no --solver');
  }
  return { name: solver ?? scheduler.type, steps: steps ?? scheduler.numInferenceSteps };
}
