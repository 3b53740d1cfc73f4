import { type ContractionStart, measureContraction } from '../../analysis/contraction.js';
import type { ContractionSeries } from '../../analysis/contraction-plot.js';
import { collectSituations, type Situation, startsFromNoise, startsFromPrediction } from '../../analysis/situations.js';
import type { Schedule } from '../../diffusion/solver-step.js';
import type { Task } from '../../envs/environment.js';
import type { Policy } from '../../policy/policy.js';
import type { SchedulerConfig } from '../../spec/policy-spec.js';
import { solverSchedule } from '../../strategies/solver.js';
import type { StrategyOptions } from '../../strategies/strategy-options.js';
import { plural } from '../../terminal/format.js';
import { Progress } from '../../terminal/progress.js';

/** What is to be measured. */
export interface ContractionRequest {
  readonly solver: 'DDPM' | 'DDIM';
  /** Of runs from noise. */
  readonly steps: number;
  /** STEP's evaluations per warm decision; looked at where the policy has a predictor. */
  readonly budget: number;
  readonly seed: number;
  readonly episodes: number;
  readonly decisions: number;
}

export interface ContractionAnalysis {
  /** How the episodes decided. */
  readonly strategy: StrategyOptions;
  readonly situations: readonly Situation[];
  /** From noise, and where there is a predictor, from STEP's warm starts. */
  readonly series: readonly ContractionSeries[];
}

/** Plays the episodes, then measures in the situations that came up. */
export async function analyzeContraction(
  policy: Policy,
  task: Task,
  scheduler: SchedulerConfig,
  request: ContractionRequest,
  signal: AbortSignal,
): Promise<ContractionAnalysis> {
  const { solver, steps, budget, seed, episodes, decisions } = request;
  const strategy: StrategyOptions = policy.info.predictor === 'none' ? { name: solver, steps } : { name: 'STEP', budget };
  const progress = new Progress();
  try {
    progress.phase(`playing ${plural(episodes, 'episode')} of ${task.name}`);
    const onTick = (episode: number, tick: number): void => progress.update(`episode ${episode + 1} of ${episodes}: tick ${tick}`);
    const situations = await collectSituations(policy, { task, strategy, seed, episodes, decisions, signal, onTick });

    const measure = async (name: string, schedule: Schedule, starts: readonly ContractionStart[]): Promise<ContractionSeries> => {
      progress.phase(`${name}: ${plural(schedule.steps.length, 'step')} in ${plural(starts.length, 'situation')}`);
      const onStep = (done: number, total: number): void => progress.update(`${name}: ${done} of ${total}`);
      return { name, contraction: await measureContraction(policy, starts, { schedule, seed, signal, onStep }) };
    };
    const { horizon, actionDim } = policy.info;
    const cold = solverSchedule(solver, { steps }, scheduler);
    const series = [await measure(`${solver} ${steps} from noise`, cold, startsFromNoise(situations, horizon * actionDim, seed))];
    const warm = startsFromPrediction(situations);
    if (warm.length > 0) {
      // Forward noising, the strategy's default, refines on the steps of DDIM with as many evaluations.
      series.push(await measure(`STEP ${budget} from the prediction`, solverSchedule('DDIM', { steps: budget }, scheduler), warm));
    }
    return { strategy, situations, series };
  } finally {
    progress.done();
  }
}
