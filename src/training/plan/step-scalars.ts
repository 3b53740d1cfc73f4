import { stepWords } from '../../../kernels/lib/step-scalars.js';
import { OptionError } from '../../foundation/errors.js';
import { shownValue } from '../../foundation/shown.js';
import type { UpdateScalars } from '../training-step.js';

/** A step's number goes up in two parts that f32 holds exactly, and comes back so. */
export const STEP_BASE = 2 ** 16;

/** The uniform of a step. Everything is computed in float64 here: 1 − β₂ᵏ of a float32 β₂ is wrong in its fifth digit for small k. */
export function stepUniform(update: UpdateScalars | null, inverseCount: number, accumulate: boolean): Float32Array<ArrayBuffer> {
  if (update) checkUpdate(update);
  const {
    optimizer,
    learningRate = 0,
    beta1 = 0,
    beta2 = 0,
    epsilon = 1,
    weightDecay = 0,
    stepNumber = 1,
    clipNorm,
    emaDecay,
  } = update ?? ({} as Partial<UpdateScalars>);
  return stepWords({
    accumulate: accumulate ? 1 : 0,
    inverse_count: inverseCount,
    clip_norm: clipNorm ?? 0,
    coupled_decay: optimizer === 'adam' ? weightDecay : 0,
    decay_factor: optimizer === 'adamw' ? 1 - learningRate * weightDecay : 1,
    beta1,
    one_minus_beta1: 1 - beta1,
    beta2,
    one_minus_beta2: 1 - beta2,
    step_size: learningRate / (1 - beta1 ** stepNumber),
    root_correction2: Math.sqrt(1 - beta2 ** stepNumber),
    epsilon,
    one_minus_ema: emaDecay == null ? 0 : 1 - emaDecay,
    step_low: update ? stepNumber % STEP_BASE : 0,
    step_high: update ? Math.floor(stepNumber / STEP_BASE) : 0,
  });
}

function checkUpdate(update: UpdateScalars): void {
  const expect = (name: keyof UpdateScalars, what: string, holds: (value: number) => boolean): void => {
    const value = update[name];
    if (typeof value !== 'number' || !holds(value)) {
      throw new OptionError(`update.${name}: expected ${what}, found ${shownValue(value)}.`);
    }
  };
  if (update.optimizer !== 'adam' && update.optimizer !== 'adamw') {
    throw new OptionError(`update.optimizer: expected "adam" or "adamw", found ${shownValue(update.optimizer)}.`);
  }
  expect('learningRate', 'a finite number from 0 on', (value) => value >= 0 && Number.isFinite(value));
  for (const name of ['beta1', 'beta2'] as const) expect(name, 'a number from 0 to below 1', (value) => value >= 0 && value < 1);
  expect('epsilon', 'a finite number above 0', (value) => value > 0 && Number.isFinite(value));
  expect('weightDecay', 'a finite number from 0 on', (value) => value >= 0 && Number.isFinite(value));
  expect('stepNumber', 'an integer from 1 on', (value) => Number.isInteger(value) && value >= 1);
  if (update.clipNorm !== null) expect('clipNorm', 'null, or a finite number above 0', (value) => value > 0 && Number.isFinite(value));
  if (update.emaDecay !== null) expect('emaDecay', 'null, or a number from 0 to 1', (value) => value >= 0 && value <= 1);
}
