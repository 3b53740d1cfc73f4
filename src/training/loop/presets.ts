import type { EmaCount } from './ema-decay.js';
import type { RateSchedule } from './learning-rate.js';

/** How weights are changed: everything of an optimiser that is the same in all steps of a run. */
export interface OptimizerSettings {
  /** `adam`: weight decay goes into the gradient. `adamw`: decoupled from it. */
  readonly optimizer: 'adam' | 'adamw';
  /** Peak of the schedule. */
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
  /** Largest global norm of the gradients; null: not clipped. */
  readonly clipNorm: number | null;
  readonly schedule: RateSchedule['name'];
  readonly warmupSteps: number;
  /** Of schedule `step`: optimiser steps from one decay to the next, and the factor. Default: the recipe's epochs; 0.99. */
  readonly decayEvery?: number;
  readonly decayFactor?: number;
  /** Whose EMA of the weights is kept, and becomes the result; null: none. */
  readonly ema: EmaCount | null;
}

/**
 * What the reference trainers do: LeRobot (`configuration_diffusion.py`, `lerobot_train.py`; no EMA), Diffusion Policy
 * (`train_diffusion_unet_*_workspace.py`), the predictors of the STEP release, BRIDGER's networks and its CVAE, Consistency Policy (teacher and student;
 * the student's own weights are the result, no average), RNR-DP (`bc_rnrdp_state_ms2.py`), and OneDP's paper.
 */
export const PRESETS = {
  lerobot: {
    optimizer: 'adam',
    learningRate: 1e-4,
    beta1: 0.95,
    beta2: 0.999,
    epsilon: 1e-8,
    weightDecay: 1e-6,
    clipNorm: 10,
    schedule: 'cosine',
    warmupSteps: 500,
    ema: null,
  },
  'diffusion-policy': {
    optimizer: 'adamw',
    learningRate: 1e-4,
    beta1: 0.95,
    beta2: 0.999,
    epsilon: 1e-8,
    weightDecay: 1e-6,
    clipNorm: null,
    schedule: 'cosine',
    warmupSteps: 500,
    ema: 'diffusion-policy',
  },
  step: {
    optimizer: 'adamw',
    learningRate: 1e-4,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    weightDecay: 1e-4,
    clipNorm: null,
    schedule: 'cosine',
    warmupSteps: 500,
    ema: null,
  },
  bridger: {
    optimizer: 'adamw',
    learningRate: 5e-6,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    weightDecay: 0,
    clipNorm: null,
    schedule: 'step',
    warmupSteps: 0,
    ema: 'bridger',
  },
  'bridger-cvae': {
    optimizer: 'adamw',
    learningRate: 5e-6,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    weightDecay: 0,
    clipNorm: null,
    schedule: 'cosine',
    warmupSteps: 500,
    ema: null,
  },
  consistency: {
    optimizer: 'adamw',
    learningRate: 1e-4,
    beta1: 0.95,
    beta2: 0.999,
    epsilon: 1e-8,
    weightDecay: 1e-6,
    clipNorm: null,
    schedule: 'cosine',
    warmupSteps: 500,
    ema: null,
  },
  'rnr-dp': {
    optimizer: 'adamw',
    learningRate: 1e-4,
    beta1: 0.95,
    beta2: 0.999,
    epsilon: 1e-8,
    weightDecay: 1e-6,
    clipNorm: null,
    schedule: 'cosine',
    warmupSteps: 500,
    ema: 'rnr-dp',
  },
  onedp: {
    optimizer: 'adam',
    learningRate: 1e-6,
    beta1: 0,
    beta2: 0.999,
    epsilon: 1e-8,
    weightDecay: 0,
    clipNorm: null,
    schedule: 'constant',
    warmupSteps: 0,
    ema: null,
  },
} as const satisfies Record<string, OptimizerSettings>;
export type Preset = keyof typeof PRESETS;
export const PRESET_NAMES = Object.keys(PRESETS) as Preset[];

/** Of presets, those of a predictor: not the one whose rate falls by epochs of a recipe that is not the predictor's. The first is the default. */
export const PREDICTOR_PRESETS: readonly Preset[] = [
  'step',
  ...PRESET_NAMES.filter((name) => name !== 'step' && PRESETS[name].schedule !== 'step'),
];

/** Of presets, those that a policy is trained with. */
export const POLICY_PRESETS = ['lerobot', 'diffusion-policy'] as const satisfies readonly Preset[];
