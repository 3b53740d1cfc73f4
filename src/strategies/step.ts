import { SOLVER_NAMES } from '../diffusion/solver-step.js';
import { isStalled, type StallRule } from '../diffusion/stall.js';
import { stalledStart, warmStart as startOf, WARM_START_MODES, type WarmStart } from '../diffusion/warm-start.js';
import { checkChoice, checkInteger, checkKeys, checkNumber, checkObject, checkScale } from '../foundation/options.js';
import { shiftRows } from './chunks.js';
import { defineStrategy } from './define.js';
import { choice, evaluations, type OptionKind, option } from './option-kinds.js';
import { solverOptions, solverSchedule, startFromNoise } from './solver.js';
import { type ColdStartOptions, START_SCALES, type StallOptions, type WarmStartOptions } from './step-options.js';
import { type DecisionStart, type PastChunk, type Strategy, type StrategyContext, singleRuns } from './strategy.js';
import type { StepStrategyOptions } from './strategy-options.js';

/** The paper's values for simulation: σ = 1, σ_t = 0.1. */
export const SIGMA = 1;
const SIGMA_T = 0.1;
const COLD_STEPS = 16;
/** Network evaluations of a warm decision, where nothing is said. */
export const DEFAULT_BUDGET = 2;
/** What a stall rule is where nothing is said of it; the mixture is the paper's choice. */
export const DEFAULT_STALL = {
  eps: 0.01,
  norm: 'rms',
  rows: 'executed',
  space: 'normalized',
  sigmaScale: 0.4,
  sigmaStall: 1.2,
} as const satisfies Required<StallOptions>;

/**
 * STEP (arXiv 2602.08245): the first decision from noise, later ones from the prediction; where the last two chunks are
 * nearly the same, the start has more noise (its eq. 14).
 */
export const STEP = defineStrategy({
  name: 'STEP',
  spelled: 'step',
  count: 'budget',
  options: {
    budget: evaluations(DEFAULT_BUDGET, `network evaluations per warm decision (${DEFAULT_BUDGET})`),
    warmStart: nested('forward-noise' as WarmStartOptions, warmStartRule),
    coldStart: nested({} as ColdStartOptions, coldStart),
    stall: option<StallOptions, ReturnType<typeof stallRule>, undefined>(undefined, '', undefined, (_, __, value) => stallRule(value)),
    predictor: choice<'network' | 'shift', 'network'>(['network', 'shift'], 'network', ''),
    history: choice<History, 'full'>(['full', 'executed', 'tail', 'none'], 'full', ''),
  },
  create: createStep,
});

/** Options within an option: its own check says where it looks, and the command line's help is in the spelling. */
function nested<Given, Checked>(fallback: Given, check: (value: Given, context: StrategyContext) => Checked): OptionKind<Given, Checked> {
  return { help: '', read: undefined, check: (_, __, value, context) => check(value, context), fallback: () => fallback };
}

/** Named settings: of the released code, and of the paper's simulation and robot experiments. */
export const STEP_PRESETS = {
  release: { name: 'STEP', warmStart: { mode: 'forward-noise' }, coldStart: { mode: 'zero-history' } },
  'paper-sim': { name: 'STEP', warmStart: { mode: 'eq13', sigma: 1, sigmaT: 0.1 } },
  'paper-real': { name: 'STEP', warmStart: { mode: 'eq13', sigma: 1, sigmaT: 0 }, stall: { sigmaScale: 0.4, sigmaStall: 1.2 } },
} as const satisfies Record<string, StepStrategyOptions>;

type History = 'full' | 'executed' | 'tail' | 'none';

interface Step {
  readonly budget: number;
  readonly warmStart: WarmStart;
  /** Undefined: warm from the first decision. */
  readonly coldStart: DecisionStart | undefined;
  readonly stall: ReturnType<typeof stallRule> | undefined;
  readonly predictor: 'network' | 'shift';
  readonly history: History;
}

function createStep({ budget, warmStart: rule, coldStart: cold, stall, predictor, history }: Step, context: StrategyContext): Strategy {
  const { scheduler } = context;
  const refinement = solverOptions(scheduler);
  const warm = { ...startOf(rule, budget, refinement), warm: true, stalled: false };
  const perturbed = stall ? { ...stalledStart(stall, budget, refinement), warm: true, stalled: true } : undefined;
  const layout = { actionDim: context.actionDim, firstRow: context.observationSteps - 1, rows: context.actionSteps };
  const shown = (start: DecisionStart, chunk: Float32Array): DecisionStart => {
    if (predictor === 'shift')
      return { ...start, prediction: shiftRows(shownRows(chunk, history, context), context.actionDim, context.actionSteps) };
    return history === 'full' ? start : { ...start, history: shownRows(chunk, history, context) };
  };
  const chunkOf = (past: PastChunk): Float32Array => (stall?.space === 'raw' ? past.chunk : past.normalizedChunk);

  const details = [
    rule.mode,
    cold ? `cold ${cold.schedule.solver} ${cold.schedule.steps.length}` : 'zero history',
    ...(stall ? ['stall rule'] : []),
    ...(predictor === 'shift' ? ['shift predictor'] : []),
    ...(history === 'full' ? [] : [`history ${history}`]),
  ];
  return {
    description: `STEP ${budget} (${details.join(', ')})`,
    schedules: [warm.schedule, ...(cold ? [cold.schedule] : []), ...(perturbed ? [perturbed.schedule] : [])],
    usual: warm.schedule,
    needs: predictor === 'network' ? [{ network: 'predictor', why: 'for the starts of its decisions', given: "a folder or 'shift'" }] : [],
    actionSteps: context.actionSteps,
    needsOnlyChunks: true,
    begin: singleRuns(({ newest, before }) => {
      if (!newest) return cold ?? shown(warm, new Float32Array(context.horizon * context.actionDim));
      const isStill = stall && before && isStalled(stall, chunkOf(newest), chunkOf(before), layout);
      return shown(isStill && perturbed ? perturbed : warm, newest.normalizedChunk);
    }),
  };
}

/** The previous chunk as the predictor is shown it. */
function shownRows(chunk: Float32Array, history: History, context: StrategyContext): Float32Array {
  const { actionDim, observationSteps, actionSteps } = context;
  const end = (observationSteps - 1 + actionSteps) * actionDim;
  switch (history) {
    case 'full':
      return chunk;
    case 'executed':
      return chunk.slice().fill(0, end);
    case 'tail':
      return chunk.slice().fill(0, 0, end);
    case 'none':
      return new Float32Array(chunk.length);
    default:
      return history satisfies never;
  }
}

function coldStart(options: ColdStartOptions, context: StrategyContext): DecisionStart | undefined {
  const where = 'strategy STEP: coldStart';
  checkObject(where, 'coldStart', options);
  const mode = checkChoice(where, 'mode', options.mode ?? 'noise', ['noise', 'zero-history'] as const);
  if (mode === 'zero-history' || options.mode === 'zero-history') {
    checkKeys(where, options, ['mode']);
    return undefined;
  }
  checkKeys(where, options, ['mode', 'solver', 'steps']);
  const solver = checkChoice(where, 'solver', options.solver ?? 'DDIM', SOLVER_NAMES);
  const { numTrainTimesteps } = context.scheduler;
  const steps = checkInteger(where, 'steps', options.steps ?? Math.min(COLD_STEPS, numTrainTimesteps), 1, numTrainTimesteps);
  return startFromNoise(solverSchedule(solver, { steps }, context.scheduler));
}

function warmStartRule(options: WarmStartOptions): WarmStart {
  const where = 'strategy STEP: warmStart';
  if (options === 'forward-noise') return { mode: 'forward-noise' };
  checkObject(where, 'warmStart', options);
  checkKeys(where, options, ['mode', ...START_SCALES[checkChoice(where, 'mode', options.mode, WARM_START_MODES)]]);
  switch (options.mode) {
    case 'forward-noise':
      return options;
    case 'mean-matched':
      return { mode: options.mode, sigmaT: checkScale(where, 'sigmaT', options.sigmaT ?? SIGMA_T) };
    case 'eq13':
    case 'train-index':
    case 'snr-matched':
      return {
        mode: options.mode,
        sigma: checkScale(where, 'sigma', options.sigma ?? SIGMA),
        sigmaT: checkScale(where, 'sigmaT', options.sigmaT ?? SIGMA_T),
      };
    default:
      return options satisfies never;
  }
}

function stallRule(options: StallOptions): StallRule & { readonly sigmaScale: number; readonly sigmaStall: number } {
  const where = 'strategy STEP: stall';
  checkKeys(where, options, Object.keys(DEFAULT_STALL));
  const isDistance = (eps: number): boolean => eps > 0 && eps < Infinity;
  return {
    eps: checkNumber(where, 'eps', options.eps ?? DEFAULT_STALL.eps, 'a finite number above 0', isDistance),
    norm: checkChoice(where, 'norm', options.norm ?? DEFAULT_STALL.norm, ['rms', 'l2', 'linf'] as const),
    rows: checkChoice(where, 'rows', options.rows ?? DEFAULT_STALL.rows, ['executed', 'all'] as const),
    space: checkChoice(where, 'space', options.space ?? DEFAULT_STALL.space, ['normalized', 'raw'] as const),
    sigmaScale: checkScale(where, 'sigmaScale', options.sigmaScale ?? DEFAULT_STALL.sigmaScale),
    sigmaStall: checkScale(where, 'sigmaStall', options.sigmaStall ?? DEFAULT_STALL.sigmaStall),
  };
}
