import type { CheckpointSource } from '../../checkpoints/source.js';
import type { Dataset } from '../../datasets/dataset.js';
import { checkDataset } from '../../datasets/windows.js';
import type { AbortSignalLike } from '../../foundation/abort-signal.js';
import { OptionError } from '../../foundation/errors.js';
import {
  checkCallbacks,
  checkChoice,
  checkInteger,
  checkKeys,
  checkNumber,
  checkObject,
  checkSignal,
  checkToggle,
  keysOf,
} from '../../foundation/options.js';
import { ComputeDevice } from '../../runtime/device.js';
import { TRAINING_PRECISIONS, type TrainingPrecision } from '../training-step.js';
import { EMA_COUNTS } from './ema-decay.js';
import type { TrainingEvent } from './events.js';
import type { RunHistory } from './history.js';
import { type OptimizerSettings, PRESETS, type Preset } from './presets.js';
import { checkStorage, type RunStorage } from './run-storage.js';
import type { RunPlan } from './run-training.js';

/** What the training of any network is told. */
export interface TrainOptions {
  /** Disposed of by whoever opened it. */
  readonly device: ComputeDevice;
  /** Demonstrations; closed by whoever opened them. */
  readonly dataset: Dataset;
  /** Where the result and the state of the run are written. */
  readonly storage: RunStorage;
  /** Optimiser steps of the whole run; a cosine schedule ends there. */
  readonly steps: number;
  /** Windows per batch. Default 64. */
  readonly batchSize?: number;
  /** Batches whose gradients make one step. Default 1. */
  readonly accumulate?: number;
  /** Of everything that is drawn. Default 0. */
  readonly seed?: number;
  /** Optimiser settings to begin from. Default: `lerobot` for a policy, `step` for a predictor. */
  readonly preset?: Preset;
  /** Settings in place of those of the preset. */
  readonly optimizer?: Partial<OptimizerSettings>;
  /** `f16`: both passes read copies of the matrices that are rounded to f16; what is learned and saved is f32. Default `f32`. */
  readonly precision?: TrainingPrecision;
  /** Share of the episodes that nothing is learned from, from 0 to 0.9. Default 0.05. */
  readonly validation?: number;
  /** Frames at the end of an episode that windows are not built around. Default: as LeRobot counts them, 7 for 16, 8, 2. */
  readonly dropLastFrames?: number;
  /** See RunPlan. Default: about five times a second. */
  readonly metricsEvery?: number;
  /** Steps between evaluations. Default: a tenth of the run. */
  readonly evaluateEvery?: number;
  /** Steps between checkpoints. Default: as `evaluateEvery`. */
  readonly saveEvery?: number;
  /** Go on with the run that the storage holds; everything else must be as it was, but for `steps` where the rate is no cosine. Default false. */
  readonly resume?: boolean;
  /** Called at every evaluation with the result so far, e.g. to run it in closed loop; what it returns is told with the figures. */
  readonly onEvaluate?: (result: CheckpointSource, step: number) => Promise<Readonly<Record<string, number>>>;
  readonly onEvent?: (event: TrainingEvent, history: RunHistory) => void | Promise<void>;
  /** Ends the run between two steps; what was learned is saved before. */
  readonly signal?: AbortSignalLike;
}

const KEYS = keysOf<TrainOptions>({
  device: true,
  dataset: true,
  storage: true,
  steps: true,
  batchSize: true,
  accumulate: true,
  seed: true,
  preset: true,
  optimizer: true,
  precision: true,
  validation: true,
  dropLastFrames: true,
  metricsEvery: true,
  evaluateEvery: true,
  saveEvery: true,
  resume: true,
  onEvaluate: true,
  onEvent: true,
  signal: true,
});

const OPTIMIZER_KEYS = keysOf<OptimizerSettings>({
  optimizer: true,
  learningRate: true,
  beta1: true,
  beta2: true,
  epsilon: true,
  weightDecay: true,
  clipNorm: true,
  schedule: true,
  warmupSteps: true,
  decayEvery: true,
  decayFactor: true,
  ema: true,
});

/** Options that were checked, with what stands for those that were left out. */
export interface CheckedTrainOptions {
  readonly plan: RunPlan;
  readonly batchSize: number;
  readonly seed: number;
  readonly precision: TrainingPrecision;
  readonly validation: number;
  readonly resume: boolean;
  readonly preset: Preset;
}

/** Of a run. */
export const MOST_STEPS = 1e9;

/** Refuses what a training function does not know or cannot use; `more` are options of its own. @throws OptionError. */
export function checkTrainOptions(
  where: string,
  options: TrainOptions,
  more: readonly string[],
  presets: readonly Preset[],
): CheckedTrainOptions {
  checkKeys(where, options, [...KEYS, ...more]);
  if (!(options.device instanceof ComputeDevice)) {
    throw new OptionError(`${where}: device must be one that openDevice() or ComputeDevice.open() returned: open one.`);
  }
  checkDataset(where, options.dataset);
  checkStorage(where, 'storage', options.storage);
  checkSignal(where, options.signal);
  checkCallbacks(where, options, ['onEvaluate', 'onEvent']);
  const steps = checkInteger(where, 'steps', options.steps, 1, MOST_STEPS);
  const preset = checkChoice(where, 'preset', orDefault(options.preset, presets[0] as Preset), presets);
  const every = (name: 'metricsEvery' | 'evaluateEvery' | 'saveEvery', fallback: number): number =>
    checkInteger(where, name, orDefault(options[name], fallback), 1, MOST_STEPS);
  const evaluateEvery = every('evaluateEvery', Math.max(1, Math.ceil(steps / 10)));
  if (options.dropLastFrames !== undefined) checkInteger(where, 'dropLastFrames', options.dropLastFrames, 0, 1_000_000);
  return {
    plan: {
      steps,
      accumulate: checkInteger(where, 'accumulate', orDefault(options.accumulate, 1), 1, 65_536),
      optimizer: checkedOptimizer(where, preset, options.optimizer),
      metricsEvery: options.metricsEvery === undefined ? undefined : every('metricsEvery', 1),
      evaluateEvery,
      saveEvery: every('saveEvery', evaluateEvery),
    },
    batchSize: checkInteger(where, 'batchSize', orDefault(options.batchSize, 64), 1, 65_536),
    seed: checkInteger(where, 'seed', orDefault(options.seed, 0), 0, Number.MAX_SAFE_INTEGER),
    precision: checkChoice(where, 'precision', orDefault(options.precision, 'f32'), TRAINING_PRECISIONS),
    validation: checkNumber(
      where,
      'validation',
      orDefault(options.validation, 0.05),
      'a number from 0 to 0.9',
      (share) => share >= 0 && share <= 0.9,
    ),
    resume: checkToggle(where, 'resume', orDefault(options.resume, false)),
    preset,
  };
}

/** An option that was left out; null is none of these. */
function orDefault<T>(value: T | undefined, fallback: T): T {
  return value === undefined ? fallback : value;
}

function checkedOverrides(where: string, optimizer: unknown): Partial<OptimizerSettings> {
  if (optimizer === undefined) return {};
  checkObject(where, 'optimizer', optimizer);
  checkKeys(`${where}: optimizer`, optimizer as object, OPTIMIZER_KEYS);
  return optimizer as Partial<OptimizerSettings>;
}

/** The settings of a preset, and what stands in place of some. @throws OptionError. */
export function checkedOptimizer(where: string, preset: Preset, overrides: unknown): OptimizerSettings {
  const settings: OptimizerSettings = { ...PRESETS[preset], ...checkedOverrides(where, overrides) };
  const within = (name: keyof OptimizerSettings, wanted: string, accepts: (value: number) => boolean): void =>
    void checkNumber(`${where}: optimizer`, name, settings[name], wanted, accepts);
  checkChoice(`${where}: optimizer`, 'optimizer', settings.optimizer, ['adam', 'adamw']);
  checkChoice(`${where}: optimizer`, 'schedule', settings.schedule, ['cosine', 'constant', 'step']);
  if (settings.decayEvery !== undefined) checkInteger(`${where}: optimizer`, 'decayEvery', settings.decayEvery, 1, MOST_STEPS);
  if (settings.decayFactor !== undefined) within('decayFactor', 'a number above 0 and up to 1', (factor) => factor > 0 && factor <= 1);
  if (settings.ema !== null) checkChoice(`${where}: optimizer`, 'ema', settings.ema, EMA_COUNTS);
  within('learningRate', 'a number above 0', (rate) => rate > 0 && rate < Infinity);
  within('beta1', 'a number from 0 to below 1', (beta) => beta >= 0 && beta < 1);
  within('beta2', 'a number from 0 to below 1', (beta) => beta >= 0 && beta < 1);
  within('epsilon', 'a number above 0', (epsilon) => epsilon > 0 && epsilon < Infinity);
  within('weightDecay', 'a number of at least 0', (decay) => decay >= 0 && decay < Infinity);
  if (settings.clipNorm !== null) within('clipNorm', 'a number above 0, or null', (norm) => norm > 0 && norm < Infinity);
  checkInteger(`${where}: optimizer`, 'warmupSteps', settings.warmupSteps, 0, MOST_STEPS);
  return settings;
}

/** LeRobot's constant, recomputed for other sizes: then every row that is executed was recorded. */
export function droppedFrames(horizon: number, actionSteps: number, observationSteps: number): number {
  return Math.max(0, horizon - actionSteps - observationSteps + 1);
}

/** What all runs are told apart by; see RunIdentity. */
export function commonIdentity(
  checked: CheckedTrainOptions,
  { dataset }: TrainOptions,
  rows: number,
): Record<string, string | number | null> {
  const { plan, batchSize, seed, precision } = checked;
  const { steps, accumulate, optimizer } = plan;
  return {
    steps,
    accumulate,
    batch: batchSize,
    seed,
    ...optimizer,
    // Runs from before there was a choice have no such entry, and go on.
    ...(precision === 'f32' ? {} : { precision }),
    dataset: dataset.name,
    frames: dataset.frames,
    windows: rows,
  };
}
