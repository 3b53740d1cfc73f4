import { ddimSchedule } from '../diffusion/ddim.js';
import { ddpmSchedule } from '../diffusion/ddpm.js';
import { dpmSolverSchedule } from '../diffusion/dpm-solver.js';
import { alphasCumprod } from '../diffusion/noise-schedule.js';
import type { Schedule, SolverName, SolverOptions } from '../diffusion/solver-step.js';
import { checkNumber } from '../foundation/options.js';
import type { SchedulerConfig } from '../spec/policy-spec.js';
import { defineStrategy } from './define.js';
import { choice, evaluations, fraction, numberThat, option, readNumber, toggle } from './option-kinds.js';
import { type DecisionStart, type Strategy, type StrategyContext, singleRuns } from './strategy.js';

const COMMON = {
  /** Network evaluations per decision. Default: the checkpoint's. */
  steps: evaluations(({ scheduler }) => scheduler.numInferenceSteps, "network evaluations per decision (the checkpoint's)"),
  /** Clamp of x̂0; null for none. Default: the checkpoint's for DDPM and DDIM, none for DPM-Solver++ (as diffusers). */
  clip: option<number | null, number | null, undefined>(
    undefined,
    "clamp of x̂0, or none (the checkpoint's; none for dpm-solver++)",
    (text, where) => (text === 'none' ? null : readNumber(text, where)),
    (where, name, value) =>
      value === null ? null : checkNumber(where, name, value, 'null or a finite number above 0', (bound) => bound > 0 && bound < Infinity),
  ),
  timestepSpacing: choice(['leading', 'trailing', 'linspace'], undefined, "leading, trailing or linspace (diffusers' default)"),
};

/** Every decision from noise, whatever came before. */
export const DDPM = defineStrategy({
  name: 'DDPM',
  spelled: 'ddpm',
  count: 'steps',
  options: COMMON,
  create: (options, context) => fromNoise('DDPM', options, context),
});

export const DDIM = defineStrategy({
  name: 'DDIM',
  spelled: 'ddim',
  count: 'steps',
  options: {
    ...COMMON,
    /** 0 deterministic (default) … 1. */
    eta: fraction(undefined, 'from 0, deterministic, to 1 (0)'),
    /** Whether the last step ends at the clean sample (default) or at timestep 0. */
    setAlphaToOne: toggle(undefined, 'whether the last step ends at the clean sample, not at timestep 0 (on)'),
  },
  create: (options, context) => fromNoise('DDIM', options, context),
});

export const DPM_SOLVER = defineStrategy({
  name: 'DPM-Solver++',
  spelled: 'dpm-solver++',
  count: 'steps',
  options: {
    ...COMMON,
    solverType: choice(['midpoint', 'heun'], undefined, 'midpoint or heun (midpoint)'),
    finalSigma: choice(['zero', 'sigma-min'], undefined, 'end at the clean chunk, zero, or at timestep 0, sigma-min (zero)'),
    lambdaMinClipped: numberThat('a number', (value) => !Number.isNaN(value), undefined, 'leaves out levels whose λ lies below (none)'),
  },
  create: (options, context) => fromNoise('DPM-Solver++', options, context),
});

function fromNoise(name: SolverName, options: SolverRun, context: StrategyContext): Strategy {
  const schedule = solverSchedule(name, options, context.scheduler);
  const start = startFromNoise(schedule);
  return {
    description: `${name} ${schedule.steps.length}`,
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

/** Steps and, where they are not the checkpoint's, other options of a solver: checked ones. */
interface SolverRun {
  readonly steps: number;
  readonly clip?: number | null | undefined;
  readonly [option: string]: unknown;
}

/** The schedule of a solver for a checkpoint; the noise schedule is the one that PyTorch trained with. */
export function solverSchedule(name: SolverName, options: SolverRun, scheduler: SchedulerConfig): Schedule {
  const { clip, steps, ...rest } = options;
  const others = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
  const common = { ...solverOptions(scheduler), ...others, steps, ...(clip === undefined ? {} : { clip }) };
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

/** Options that all solvers take from the checkpoint. */
export function solverOptions(scheduler: SchedulerConfig): Omit<SolverOptions, 'steps'> {
  return {
    alphasCumprod: alphasCumprod(scheduler, 'pytorch'),
    predictionType: scheduler.predictionType,
    clip: scheduler.clipSample ? scheduler.clipSampleRange : null,
  };
}
