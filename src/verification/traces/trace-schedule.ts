import type { JsonObject } from '../../checkpoints/json-object.js';
import { readScheduler } from '../../checkpoints/lerobot/scheduler-config.js';
import type { Schedule, SolverName } from '../../diffusion/solver-step.js';
import { solverSchedule } from '../../strategies/solver.js';
import type { SchedulerTrace } from './read-traces.js';

const SOLVERS: Readonly<Record<SchedulerTrace['scheduler'], SolverName>> = { DDIM: 'DDIM', DDPM: 'DDPM', DPMSOLVER: 'DPM-Solver++' };

/**
 * The schedule of a trace, as a strategy makes it for a checkpoint with the trace's configuration.
 * @throws OptionError or UnsupportedCheckpointError for a configuration that the solvers do not have.
 */
export function traceSchedule({ scheduler, config, steps, eta, useClippedModelOutput }: SchedulerTrace): Schedule {
  const name = SOLVERS[scheduler];
  const options = name === 'DDIM' ? { eta, useClippedModelOutput } : name === 'DDPM' ? {} : dpmOptions(config);
  return solverSchedule(name, { steps, ...options }, readScheduler(config));
}

/** Values are checked where the schedule is made of them. */
function dpmOptions(config: JsonObject): Record<string, unknown> {
  const finalSigma = config.value('final_sigmas_type');
  return {
    solverOrder: config.value('solver_order'),
    solverType: config.value('solver_type'),
    algorithmType: config.value('algorithm_type'),
    finalSigma: finalSigma === 'sigma_min' ? 'sigma-min' : finalSigma,
    lowerOrderFinal: config.value('lower_order_final'),
    eulerAtFinal: config.value('euler_at_final'),
    lambdaMinClipped: config.value('lambda_min_clipped'),
    useKarrasSigmas: config.value('use_karras_sigmas'),
  };
}
