import { CheckpointError } from '../../foundation/errors.js';
import { shownValue } from '../../foundation/shown.js';
import type { ParameterInfo, UpdateScalars } from '../../training/training-step.js';

/** One recorded run of a training case. */
export interface TrainingRun {
  readonly name: string;
  /** Whether padded rows are left out of the loss. */
  readonly isMasked: boolean;
  /** Steps after which weights were recorded. */
  readonly recordAt: readonly number[];
  /** By step, float64. */
  readonly loss: readonly number[];
  readonly gradientNorm: readonly number[];
  /** Undefined where nothing is clipped. */
  readonly clipFactor: readonly number[] | undefined;
  /** What the optimiser is told at each step. */
  readonly updates: readonly UpdateScalars[];
}

/** Rows [first, end) of a tensor whose gradient is 0 but for rounding. */
export interface ZeroGradient {
  readonly tensor: string;
  readonly rows: readonly [number, number];
}

/** What `case.json` of a training case says beside its kind. */
export interface TrainingDescription {
  readonly batch: number;
  readonly steps: number;
  readonly parameters: readonly ParameterInfo[];
  /** Running statistics of batch norms; none where there are no batch norms. */
  readonly statistics: readonly ParameterInfo[];
  /** The loss of step 0 by the running statistics that the case begins with, without mask; undefined where none was recorded. */
  readonly evaluatedLoss: number | undefined;
  readonly runs: readonly TrainingRun[];
  /** The run of whose gradients and changes all is recorded. */
  readonly fullRun: string | undefined;
  readonly zeroGradients: readonly ZeroGradient[];
}

type Json = Readonly<Record<string, unknown>>;

/** @throws CheckpointError that names what is wrong in `case.json`. */
export function trainingDescription(name: string, json: Json): TrainingDescription {
  const where = `case "${name}": case.json`;
  const fail = (key: string, expected: string, found: unknown): never => {
    throw new CheckpointError(`${where}: ${key} must be ${expected}, found ${shownValue(found)}.`);
  };
  const integer = (key: string, value: unknown): number =>
    Number.isInteger(value) && (value as number) > 0 ? (value as number) : fail(key, 'a positive integer', value);
  const numbers = (key: string, value: unknown): number[] =>
    Array.isArray(value) && value.every((item) => typeof item === 'number') ? value : fail(key, 'numbers', value);
  const number = (key: string, value: unknown): number => (typeof value === 'number' ? value : fail(key, 'a number', value));
  const object = (key: string, value: unknown): Json =>
    typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : fail(key, 'an object', value);
  const objects = (key: string, value: unknown): Json[] =>
    Array.isArray(value) ? value.map((item) => object(key, item)) : fail(key, 'a list', value);
  const text = (key: string, value: unknown): string => (typeof value === 'string' ? value : fail(key, 'a text', value));

  const tensors = (key: string, value: unknown): ParameterInfo[] =>
    objects(key, value).map((tensor) => ({ name: text(`${key}.name`, tensor['name']), shape: numbers(`${key}.shape`, tensor['shape']) }));

  const steps = integer('steps', json['steps']);
  const perStep = (key: string, value: unknown): number[] => {
    const found = numbers(key, value);
    return found.length === steps ? found : fail(key, `${steps} numbers, one for each step`, found.length);
  };
  const run = (runName: string, value: unknown): TrainingRun => {
    const at = `runs.${runName}`;
    const fields = object(at, value);
    const optimizer = fields['optimizer'];
    if (optimizer !== 'adam' && optimizer !== 'adamw') return fail(`${at}.optimizer`, '"adam" or "adamw"', optimizer);
    const [beta1 = 0, beta2 = 0] = numbers(`${at}.betas`, fields['betas']);
    const clipNorm = fields['clip_norm'] === null ? null : number(`${at}.clip_norm`, fields['clip_norm']);
    const decays = fields['ema'] === null || fields['ema'] === undefined ? undefined : perStep(`${at}.ema_decay`, fields['ema_decay']);
    const common = {
      optimizer: optimizer as UpdateScalars['optimizer'],
      beta1,
      beta2,
      epsilon: number(`${at}.eps`, fields['eps']),
      weightDecay: number(`${at}.weight_decay`, fields['weight_decay']),
      clipNorm,
    };
    return {
      name: runName,
      isMasked: fields['mask_padding'] === true,
      recordAt: numbers(`${at}.record_at`, fields['record_at']),
      loss: perStep(`${at}.loss`, fields['loss']),
      gradientNorm: perStep(`${at}.grad_norm`, fields['grad_norm']),
      clipFactor: fields['clip_factor'] == null ? undefined : perStep(`${at}.clip_factor`, fields['clip_factor']),
      updates: perStep(`${at}.lr_used`, fields['lr_used']).map((learningRate, step) => ({
        ...common,
        learningRate,
        stepNumber: step + 1,
        emaDecay: decays ? (decays[step] as number) : null,
      })),
    };
  };
  return {
    batch: integer('batch', json['batch']),
    steps,
    parameters: tensors('parameters', json['parameters']),
    statistics: tensors('statistics', json['statistics'] ?? []),
    evaluatedLoss: json['evaluated_loss'] === undefined ? undefined : number('evaluated_loss', json['evaluated_loss']),
    runs: Object.entries(object('runs', json['runs'])).map(([key, value]) => run(key, value)),
    fullRun: json['full_run'] === undefined ? undefined : text('full_run', json['full_run']),
    zeroGradients: objects('zero_gradient', json['zero_gradient'] ?? []).map((zero) => {
      const [first = 0, end = 0] = numbers('zero_gradient.rows', zero['rows']);
      return { tensor: text('zero_gradient.tensor', zero['tensor']), rows: [first, end] };
    }),
  };
}
