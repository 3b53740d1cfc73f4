import { ddimSchedule } from '../diffusion/ddim.js';
import { ddpmSchedule } from '../diffusion/ddpm.js';
import { ALGORITHM_TYPES, dpmSolverSchedule, FINAL_SIGMAS, SOLVER_TYPES } from '../diffusion/dpm-solver.js';
import { alphasCumprod } from '../diffusion/noise-schedule.js';
import type { Clip, Schedule, SolverName, SolverOptions } from '../diffusion/solver-step.js';
import { checkKeys, checkNumber } from '../foundation/options.js';
import type { SchedulerConfig } from '../spec/policy-spec.js';
import { TIMESTEP_SPACINGS, VARIANCE_TYPES } from '../spec/sampling.js';
import { defineStrategy } from './define.js';
import { choice, evaluations, fraction, integer, numberThat, option, type Read, readNumber, toggle } from './option-kinds.js';
import { type DecisionStart, type Strategy, type StrategyContext, singleRuns } from './strategy.js';

/** `none`, a bound, or `threshold-QUANTILE-MOST`. */
const readClip: Read = (text, where) => {
  if (text === 'none') return null;
  const [word, quantile, most, ...rest] = text.split('-');
  if (word !== 'threshold' || quantile === undefined || most === undefined || rest.length > 0) return readNumber(text, where);
  return { quantile: readNumber(quantile, where), most: readNumber(most, where) };
};

function checkedClip(where: string, name: string, value: Clip): Clip {
  const isBound = (bound: number): boolean => bound > 0 && bound < Infinity;
  if (value === null) return null;
  if (typeof value !== 'object') {
    return checkNumber(where, name, value, 'null, a finite number above 0, or { quantile, most } for dynamic thresholding', isBound);
  }
  checkKeys(`${where}: ${name}`, value, ['quantile', 'most']);
  checkNumber(`${where}: ${name}`, 'quantile', value.quantile, 'a number from 0 to 1', (quantile) => quantile >= 0 && quantile <= 1);
  checkNumber(`${where}: ${name}`, 'most', value.most, 'a finite number above 0', isBound);
  return { quantile: value.quantile, most: value.most };
}

const COMMON = {
  steps: evaluations(({ scheduler }) => scheduler.numInferenceSteps, "network evaluations per decision (the checkpoint's)"),
  clip: option<Clip, Clip, undefined>(
    undefined,
    "clamp of x̂0, threshold-QUANTILE-MOST such as threshold-0.995-1, or none (the checkpoint's; no clamp for dpm-solver++)",
    readClip,
    checkedClip,
  ),
  timestepSpacing: choice(TIMESTEP_SPACINGS, undefined, `${TIMESTEP_SPACINGS.join(', ')} (the checkpoint's, or diffusers' default)`),
  stepsOffset: integer(
    0,
    ({ scheduler }) => scheduler.numTrainTimesteps - 1,
    undefined,
    "added to the timesteps of leading spacing (the checkpoint's, or 0)",
  ),
};

/** Every decision from noise, whatever came before. */
export const DDPM = defineStrategy({
  name: 'DDPM',
  spelled: 'ddpm',
  count: 'steps',
  options: {
    ...COMMON,
    varianceType: choice(
      VARIANCE_TYPES,
      undefined,
      `variance of the noise: ${VARIANCE_TYPES.join(', ')} (the checkpoint's, or fixed_small)`,
    ),
  },
  create: (options, context) => fromNoise('DDPM', options, context),
});

export const DDIM = defineStrategy({
  name: 'DDIM',
  spelled: 'ddim',
  count: 'steps',
  options: {
    ...COMMON,
    eta: fraction(undefined, 'from 0, deterministic, to 1 (0)'),
    setAlphaToOne: toggle(undefined, "whether the last step ends at the clean sample, not at timestep 0 (the checkpoint's, or on)"),
    useClippedModelOutput: toggle(undefined, 'whether the noise follows from x̂0 after its clamp (off)'),
  },
  create: (options, context) => fromNoise('DDIM', options, context),
});

export const DPM_SOLVER = defineStrategy({
  name: 'DPM-Solver++',
  spelled: 'dpm-solver++',
  count: 'steps',
  options: {
    ...COMMON,
    solverOrder: integer(1, 3, undefined, '1, 2 or 3 (2)'),
    algorithmType: choice(ALGORITHM_TYPES, undefined, 'dpmsolver++, or sde-dpmsolver++, which draws noise at every step (dpmsolver++)'),
    solverType: choice(SOLVER_TYPES, undefined, 'midpoint or heun (midpoint)'),
    finalSigma: choice(FINAL_SIGMAS, undefined, 'end at the clean chunk, zero, or at timestep 0, sigma-min (zero)'),
    lowerOrderFinal: toggle(undefined, 'whether fewer than 15 steps end with lower orders (on)'),
    eulerAtFinal: toggle(undefined, 'whether the last step is of first order in any case (off)'),
    useKarrasSigmas: toggle(undefined, 'levels of Karras et al. 2022 in place of timestepSpacing (off)'),
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
  readonly clip?: Clip | undefined;
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
      return dpmSolverSchedule({
        ...common,
        // diffusers' DPM-Solver++ has no sample clipping, whatever the checkpoint's scheduler says.
        clip: clip === undefined ? (scheduler.thresholding ?? null) : clip,
        karrasTimestep: scheduler.betaSchedule === 'squaredcos_cap_v2' ? 'below' : 'nearest',
      });
    default:
      return name satisfies never;
  }
}

/** What solvers take from the checkpoint; each looks at what it knows. */
type CheckpointOptions = Omit<SolverOptions, 'steps'> &
  Pick<SchedulerConfig, 'timestepSpacing' | 'stepsOffset' | 'setAlphaToOne' | 'varianceType'>;

export function solverOptions(scheduler: SchedulerConfig): CheckpointOptions {
  const { timestepSpacing, stepsOffset, setAlphaToOne, varianceType, thresholding } = scheduler;
  return {
    alphasCumprod: alphasCumprod(scheduler, 'pytorch'),
    predictionType: scheduler.predictionType,
    // diffusers thresholds in place of the clamp where both are asked for.
    clip: thresholding ?? (scheduler.clipSample ? scheduler.clipSampleRange : null),
    ...(timestepSpacing === undefined ? {} : { timestepSpacing }),
    ...(stepsOffset === undefined ? {} : { stepsOffset }),
    ...(setAlphaToOne === undefined ? {} : { setAlphaToOne }),
    ...(varianceType === undefined ? {} : { varianceType }),
  };
}
