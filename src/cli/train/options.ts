import { choiceOption, given, integerOption, numberOption } from '../../terminal/options.js';
import { EMA_COUNTS } from '../../training/loop/ema-decay.js';
import type { OptimizerSettings, Preset } from '../../training/loop/presets.js';
import { PRESET_NAMES } from '../../training/loop/presets.js';
import { checkedOptimizer, MOST_STEPS } from '../../training/loop/train-options.js';
import { TRAINING_PRECISIONS, type TrainingPrecision } from '../../training/training-step.js';

/** Options of both kinds of training, as the command line has them. */
export const TRAIN_OPTIONS = {
  dataset: { type: 'string' },
  output: { type: 'string' },
  fps: { type: 'string' },
  preset: { type: 'string' },
  steps: { type: 'string' },
  batch: { type: 'string' },
  accumulate: { type: 'string' },
  'learning-rate': { type: 'string' },
  warmup: { type: 'string' },
  'weight-decay': { type: 'string' },
  clip: { type: 'string' },
  optimizer: { type: 'string' },
  ema: { type: 'string' },
  seed: { type: 'string' },
  precision: { type: 'string' },
  validation: { type: 'string' },
  'evaluate-every': { type: 'string' },
  'save-every': { type: 'string' },
  task: { type: 'string' },
  episodes: { type: 'string' },
  strategy: { type: 'string' },
  resume: { type: 'boolean' },
  adapter: { type: 'string' },
  profile: { type: 'string' },
  json: { type: 'boolean' },
} as const;

/** Their help. */
export const TRAIN_OPTIONS_HELP = `  --dataset DIR        data set: a LeRobot folder, or whatever else \`warmstep dataset inspect\` reads
  --output DIR         folder of the result, of report.html, and of the run's state (training/), three or four times the weights
  --steps N            optimiser steps of the whole run
  --batch N            windows per step (default 64)
  --accumulate N       batches whose gradients make one step (default 1)
  --preset NAME        ${PRESET_NAMES.join(', ')}: optimiser, learning rate, clipping, EMA as these have them
  --learning-rate X, --warmup N, --weight-decay X, --clip X (0: none), --optimizer adam|adamw, --ema ${EMA_COUNTS.join('|')}|none
                       in place of the preset's
  --precision P        how both passes read weights: f32 (default), or f16, rounded copies; what is learned and written is f32
  --validation X       share of the episodes that nothing is learned from (default 0.05)
  --evaluate-every N   steps between evaluations (default: a tenth of the run); --save-every N: between checkpoints (default: the same)
  --task NAME          simulator that evaluations run the result in, too; --episodes N: how many (default 10); --strategy SPEC: how
  --seed N             of weights, order, noise, and episodes held back (default 0): the same seed, the same bits
  --resume             go on with the run in --output; everything else must be as it was, but for --steps where the rate is no cosine (onedp, bridger)
  --fps X              frames per second, where the data set does not say
  --adapter NAME       auto, hardware, swiftshader, lavapipe, or part of an adapter's name
  --profile P          safe (default), or fast: Dawn without validation and bounds checks; same results
  --json               the last figures and where everything is, as one JSON object on standard output`;

/** What parseArgs makes of TRAIN_OPTIONS. */
export type TrainValues = {
  readonly [Name in keyof typeof TRAIN_OPTIONS]?: (typeof TRAIN_OPTIONS)[Name]['type'] extends 'boolean' ? boolean : string;
};

/** Settings that the command line gives in place of the preset's. */
export function optimizerOptions(values: TrainValues): Partial<OptimizerSettings> {
  const clip = numberOption('clip', values.clip);
  const ema = choiceOption('ema', values.ema, [...EMA_COUNTS, 'none']);
  return given({
    learningRate: numberOption('learning-rate', values['learning-rate']),
    warmupSteps: integerOption('warmup', values.warmup, 0, MOST_STEPS),
    weightDecay: numberOption('weight-decay', values['weight-decay']),
    clipNorm: clip === 0 ? null : clip,
    optimizer: choiceOption('optimizer', values.optimizer, ['adam', 'adamw']),
    ema: ema === 'none' ? null : ema,
  });
}

/** Options of TrainOptions that the command line gives. */
export function runOptions(
  values: TrainValues,
  defaultSteps: number,
  presets: readonly Preset[],
): {
  readonly steps: number;
  readonly batchSize?: number;
  readonly accumulate?: number;
  readonly seed?: number;
  readonly preset?: Preset;
  readonly optimizer: Partial<OptimizerSettings>;
  readonly precision?: TrainingPrecision;
  readonly validation?: number;
  readonly evaluateEvery?: number;
  readonly saveEvery?: number;
  readonly resume: boolean;
} {
  const optimizer = optimizerOptions(values);
  const preset = choiceOption('preset', values.preset, presets);
  checkedOptimizer('train', preset ?? (presets[0] as Preset), optimizer);
  return {
    steps: integerOption('steps', values.steps, 1, MOST_STEPS) ?? defaultSteps,
    optimizer,
    resume: values.resume === true,
    ...given({
      batchSize: integerOption('batch', values.batch, 1, 65_536),
      accumulate: integerOption('accumulate', values.accumulate, 1, 65_536),
      seed: integerOption('seed', values.seed),
      preset,
      precision: choiceOption('precision', values.precision, TRAINING_PRECISIONS),
      validation: numberOption('validation', values.validation, 0, 0.9),
      evaluateEvery: integerOption('evaluate-every', values['evaluate-every'], 1, MOST_STEPS),
      saveEvery: integerOption('save-every', values['save-every'], 1, MOST_STEPS),
    }),
  };
}
