import type { KernelBinding } from './kernel.js';

/** Scalars of one training step, as every kernel that needs one of them finds them in the uniform `step`. */
export const STEP_SCALARS = [
  /** 1: gradients are added to those that are there, 0: they take their place. */
  'accumulate',
  /** 1 / N, N the elements that count in the loss. */
  'inverse_count',
  /** Largest norm of the gradients; 0: no clipping. */
  'clip_norm',
  /** λ of a decay in the gradient. */
  'coupled_decay',
  /** 1 − η λ of a decoupled decay. */
  'decay_factor',
  'beta1',
  'one_minus_beta1',
  'beta2',
  'one_minus_beta2',
  /** η / (1 − β₁ᵏ). */
  'step_size',
  /** √(1 − β₂ᵏ). */
  'root_correction2',
  'epsilon',
  /** 1 − d of the EMA. */
  'one_minus_ema',
  /** k of the optimiser step, as k mod 2¹⁶ and the rest: together exact. 0: no update follows. */
  'step_low',
  'step_high',
] as const;

export type StepScalar = (typeof STEP_SCALARS)[number];

/** Bytes of the uniform. */
export const STEP_BYTES = Math.ceil((STEP_SCALARS.length * 4) / 16) * 16;

export const STEP_BINDING: KernelBinding = { name: 'step', access: 'uniform', type: 'Step' };

export const stepStruct = `struct Step {\n${STEP_SCALARS.map((name) => `  ${name}: f32,`).join('\n')}\n}`;

/** The uniform's words. */
export function stepWords(scalars: Readonly<Record<StepScalar, number>>): Float32Array<ArrayBuffer> {
  const words = new Float32Array(STEP_BYTES / 4);
  STEP_SCALARS.forEach((name, index) => (words[index] = scalars[name]));
  return words;
}
