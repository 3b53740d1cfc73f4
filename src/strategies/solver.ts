import { ddimSchedule } from '../diffusion/ddim.js';
import { ddpmSchedule } from '../diffusion/ddpm.js';
import { dpmSolverSchedule } from '../diffusion/dpm-solver.js';
import { alphasCumprod } from '../diffusion/noise-schedule.js';
import type { Schedule, SolverName, SolverOptions } from '../diffusion/solver-step.js';
import { OptionError } from '../foundation/errors.js';
import { checkChoice, checkInteger, checkKeys, checkNumber } from '../foundation/options.js';
import type { SchedulerConfig } from '../spec/policy-spec.js';
import { type DecisionStart, type Strategy, type StrategyContext, singleRuns } from './strategy.js';
import type { SolverStrategyOptions } from './strategy-options.js';

/** Every decision from noise, whatever came before. */
export function createSolverStrategy(options: SolverStrategyOptions, context: StrategyContext): Strategy {
  const schedule = solverSchedule(options, context.scheduler);
  const start = startFromNoise(schedule);
  return {
    description: `${options.name} ${schedule.steps.length}`,
    schedules: [schedule],
    usual: schedule,
    needs: [],
    actionSteps: context.actionSteps,
    needsOnlyChunks: true,
    begin: singleRuns(() => start),
  };
}

/** A cold start: nothing of a prediction, all of the noise. */
export function startFromNoise(schedule: Schedule): DecisionStart {
  return { predictionScale: 0, noiseScale: 1, schedule, warm: false, stalled: false };
}

const COMMON_KEYS = ['name', 'steps', 'clip', 'timestepSpacing'] as const;
const SOLVER_KEYS: Readonly<Record<SolverName, readonly string[]>> = {
  DDPM: COMMON_KEYS,
  DDIM: [...COMMON_KEYS, 'eta', 'setAlphaToOne'],
  'DPM-Solver++': [...COMMON_KEYS, 'solverType', 'finalSigma', 'lambdaMinClipped'],
};

/** The schedule of a solver for a checkpoint; the noise schedule is the one that PyTorch trained with. */
export function solverSchedule(options: SolverStrategyOptions, scheduler: SchedulerConfig): Schedule {
  const where = `strategy ${options.name}`;
  checkKeys(where, options, SOLVER_KEYS[options.name]);
  checkValues(where, options);
  const { name, steps = scheduler.numInferenceSteps, clip, ...rest } = options;
  checkInteger(where, 'steps', steps, 1, scheduler.numTrainTimesteps);
  const common = { ...solverOptions(scheduler), ...rest, steps, ...(clip === undefined ? {} : { clip }) };
  switch (name) {
    case 'DDPM':
      return ddpmSchedule(common);
    case 'DDIM':
      return ddimSchedule(common);
    case 'DPM-Solver++':
      // diffusers' DPM-Solver++ has no sample clipping, whatever the checkpoint's scheduler says.
      return dpmSolverSchedule({ ...common, clip: clip ?? null });
    default:
      return name satisfies never;
  }
}

/** Values beyond TypeScript's reach: a wrong word must not select another form of the solver. */
function checkValues(where: string, options: SolverStrategyOptions): void {
  const { clip, timestepSpacing, eta, setAlphaToOne, solverType, finalSigma, lambdaMinClipped } = options;
  if (clip !== undefined && clip !== null) {
    checkNumber(where, 'clip', clip, 'null or a finite number above 0', (bound) => bound > 0 && bound < Infinity);
  }
  if (timestepSpacing !== undefined) {
    checkChoice(where, 'timestepSpacing', timestepSpacing, ['leading', 'trailing', 'linspace'] as const);
  }
  if (eta !== undefined) checkNumber(where, 'eta', eta, 'a number from 0 to 1', (value) => value >= 0 && value <= 1);
  if (setAlphaToOne !== undefined && typeof setAlphaToOne !== 'boolean') {
    throw new OptionError(`${where}: setAlphaToOne must be true or false, found ${String(setAlphaToOne)}.`);
  }
  if (solverType !== undefined) checkChoice(where, 'solverType', solverType, ['midpoint', 'heun'] as const);
  if (finalSigma !== undefined) checkChoice(where, 'finalSigma', finalSigma, ['zero', 'sigma-min'] as const);
  if (lambdaMinClipped !== undefined) {
    checkNumber(where, 'lambdaMinClipped', lambdaMinClipped, 'a number', (value) => !Number.isNaN(value));
  }
}

/** Options that all solvers take from the checkpoint. */
export function solverOptions(scheduler: SchedulerConfig): Omit<SolverOptions, 'steps'> {
  return {
    alphasCumprod: alphasCumprod(scheduler, 'pytorch'),
    predictionType: scheduler.predictionType,
    clip: scheduler.clipSample ? scheduler.clipSampleRange : null,
  };
}
