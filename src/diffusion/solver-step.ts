import { OptionError } from '../foundation/errors.js';
import { checkChoice, checkList, checkObject } from '../foundation/options.js';
import { shownValue } from '../foundation/shown.js';
import { PREDICTION_TYPES, type PredictionType, type Thresholding } from '../spec/sampling.js';
import { checkSteps } from './timesteps.js';

/** What keeps x0 in range: a clamp to ± a bound, dynamic thresholding, or nothing. */
export type Clip = number | Thresholding | null;

/**
 * One solver step as a linear update, so that a single kernel serves every solver. x is the noisy chunk, m the output
 * of the network at `timestep`, z standard normal noise:
 *
 *     x0  = x0FromSample·x + x0FromOutput·m, then clamped or thresholded as `clip` says
 *     eps = epsFromSample·x + epsFromOutput·m                    (from the output as it is)
 *     x'  = fromX0·x0 + fromEps·eps + fromSample·x + fromPreviousX0·(x0 of the previous step)
 *           + fromOlderX0·(x0 of the step before that) + fromNoise·z
 *
 * All coefficients are finite. On the first step of a schedule `fromPreviousX0` is 0, on the first two `fromOlderX0` is.
 */
export interface SolverStep extends SolverCoefficients {
  /** What people know the step's level of noise by: the timestep, or what a method calls its levels. */
  readonly timestep: number;
  /**
   * What the network of a method embeds at this step, in the order of its encoding: it names the row of the network's table. Default: the
   * timestep, for the policy's own network, whose rows are its timesteps.
   */
  readonly levels?: readonly number[];
  /** Which network of a method that has several is evaluated, by its name there. Default: its only one. */
  readonly network?: string;
  /** Coefficients of each row of the chunk, [horizon], in place of those of the step; for denoisers whose rows differ in level alone. */
  readonly slots?: readonly SolverCoefficients[];
}

/** The coefficients of a step, for the whole chunk or for one of its rows. */
export interface SolverCoefficients {
  readonly x0FromSample: number;
  readonly x0FromOutput: number;
  readonly clip: Clip;
  readonly epsFromSample: number;
  readonly epsFromOutput: number;
  readonly fromX0: number;
  readonly fromEps: number;
  readonly fromSample: number;
  readonly fromPreviousX0: number;
  /** Default 0: of a third-order solver alone. */
  readonly fromOlderX0?: number;
  readonly fromNoise: number;
}

export const SOLVER_NAMES = ['DDPM', 'DDIM', 'DPM-Solver++'] as const;
export type SolverName = (typeof SOLVER_NAMES)[number];

/** `method`: steps of a method with a network of its own, whose coefficients no solver has. */
export type ScheduleName = SolverName | 'method';

export interface Schedule {
  readonly solver: ScheduleName;
  /** In the order of execution; one network evaluation each. */
  readonly steps: readonly SolverStep[];
  /** How many steps use noise (`usesNoise`): each of them consumes one chunk of fresh noise. */
  readonly noisySteps: number;
}

export interface SolverOptions {
  /** ā_t of the noise schedule, shape [N]. */
  readonly alphasCumprod: Float64Array;
  /** What the network returns. */
  readonly predictionType: PredictionType;
  /** What keeps x0 in range, in normalised action space; null leaves x0 as predicted. */
  readonly clip: Clip;
  /** K: solver steps, and network evaluations, from 1 to N. */
  readonly steps: number;
}

export type NetworkOutputTerms = Pick<
  SolverStep,
  'timestep' | 'x0FromSample' | 'x0FromOutput' | 'clip' | 'epsFromSample' | 'epsFromOutput'
>;

/** Scales of the clean chunk and of the noise in a noisy one: √ā and √(1−ā). */
export interface NoiseLevel {
  readonly signal: number;
  readonly noise: number;
}

/** How x0 and eps follow from the network's output at `timestep`, at that timestep's level or at a level between two. */
export function networkOutputTerms(
  options: Pick<SolverOptions, 'alphasCumprod' | 'predictionType' | 'clip'>,
  timestep: number,
  level: NoiseLevel = signalAndNoise(options.alphasCumprod, timestep),
): NetworkOutputTerms {
  return { timestep, clip: options.clip, ...outputTerms(options.predictionType, timestep, level) };
}

/** By x = √ā·x0 + √(1−ā)·eps (Ho et al. 2020, eq. 4). */
function outputTerms(
  predictionType: PredictionType,
  timestep: number,
  { signal, noise }: NoiseLevel,
): Omit<NetworkOutputTerms, 'timestep' | 'clip'> {
  switch (predictionType) {
    case 'epsilon':
      if (signal === 0) throw pureNoise(timestep);
      return { x0FromSample: 1 / signal, x0FromOutput: -noise / signal, epsFromSample: 0, epsFromOutput: 1 };
    case 'sample':
      return { x0FromSample: 0, x0FromOutput: 1, epsFromSample: 1 / noise, epsFromOutput: -signal / noise };
    case 'v_prediction':
      return { x0FromSample: signal, x0FromOutput: -noise, epsFromSample: noise, epsFromOutput: signal };
    default:
      throw unknownPrediction(predictionType);
  }
}

/** √ā_t and √(1−ā_t): the scales of the clean chunk and of the noise at a timestep. */
export function signalAndNoise(alphasCumprod: Float64Array, timestep: number): NoiseLevel {
  const alphaBar = alphaBarAt(alphasCumprod, timestep);
  return { signal: Math.sqrt(alphaBar), noise: Math.sqrt(1 - alphaBar) };
}

/** ā_t; throws OptionError for a timestep outside the schedule, where an unchecked read would spread NaN. */
export function alphaBarAt(alphasCumprod: Float64Array, timestep: number): number {
  const alphaBar = alphasCumprod[timestep];
  if (alphaBar === undefined) {
    throw new OptionError(
      `timestep must be an integer from 0 to ${alphasCumprod.length - 1}, found ${timestep}: ` + 'choose a timestep of the noise schedule',
    );
  }
  return alphaBar;
}

/** More noise levels than any schedule has. */
export const MOST_LEVELS = 1_000_000;

/** What every solver relies on, before it makes a table of it. Throws OptionError. */
export function checkSolverOptions(where: string, options: SolverOptions): void {
  checkObject(where, 'options', options);
  const { alphasCumprod, steps, clip, predictionType } = options;
  if (!(alphasCumprod instanceof Float64Array) || alphasCumprod.length === 0 || alphasCumprod.length > MOST_LEVELS) {
    throw new OptionError(
      `${where}: alphasCumprod must be a Float64Array of 1 to ${MOST_LEVELS} levels, found ${shownValue(alphasCumprod)}.`,
    );
  }
  const bad = alphasCumprod.findIndex((alphaBar) => !(alphaBar >= 0 && alphaBar <= 1));
  if (bad >= 0) throw new OptionError(`${where}: alphasCumprod must lie from 0 to 1, found ${alphasCumprod[bad]} at level ${bad}.`);
  checkChoice(where, 'predictionType', predictionType, PREDICTION_TYPES);
  checkSteps(steps, alphasCumprod.length);
  checkClip(clip);
}

/** Throws OptionError for a clamp bound that is not a positive number, ±0 or NaN would erase every chunk, and for unusable thresholding. */
function checkClip(clip: Clip): void {
  if (clip === null || (typeof clip === 'number' && clip > 0)) return;
  if (typeof clip !== 'object') {
    throw new OptionError(`clip must be null, a positive number or a thresholding, found ${shownValue(clip)}: correct the clamp bound`);
  }
  const { quantile, most } = clip;
  if (!(typeof quantile === 'number' && quantile >= 0 && quantile <= 1 && typeof most === 'number' && most > 0 && most < Infinity)) {
    throw new OptionError(
      'thresholding needs a quantile from 0 to 1 and a finite largest value above 0, found ' +
        `${shownValue(quantile)} and ${shownValue(most)}: correct them`,
    );
  }
}

/** Throws OptionError for what are no steps; whether their coefficients make sense is the caller's business. */
export function makeSchedule(solver: ScheduleName, steps: readonly SolverStep[]): Schedule {
  checkChoice('makeSchedule', 'solver', solver, [...SOLVER_NAMES, 'method']);
  checkList('makeSchedule', 'steps', steps, (step) => checkObject('makeSchedule', 'a step', step));
  return { solver, steps, noisySteps: steps.filter(usesNoise).length };
}

/** Whether a step adds noise, to the whole chunk or to a row of it. */
export function usesNoise({ fromNoise, slots }: SolverStep): boolean {
  return fromNoise !== 0 || (slots?.some((row) => row.fromNoise !== 0) ?? false);
}

/** Whether a step needs what a sample's values have in common, and not each value alone. */
export function usesThresholding({ clip }: SolverStep): boolean {
  return clip !== null && typeof clip !== 'number';
}

function pureNoise(timestep: number): OptionError {
  return new OptionError(
    `timestep ${timestep} is pure noise (rescaled betas), from which predicted noise says nothing of the chunk: ` +
      'choose another spacing, or a policy that predicts v or the sample',
  );
}

function unknownPrediction(name: never): OptionError {
  return new OptionError(`predictionType must be one of ${PREDICTION_TYPES.join(', ')}, found ${String(name)}: choose one of these`);
}
