import type { SolverName } from '../diffusion/solver-step.js';
import type { StallRule } from '../diffusion/stall.js';
import type { WarmStart } from '../diffusion/warm-start.js';

export type WarmStartOptions =
  | 'forward-noise'
  | { readonly mode: 'forward-noise' }
  | { readonly mode: 'eq13' | 'train-index' | 'snr-matched'; readonly sigma?: number; readonly sigmaT?: number }
  | { readonly mode: 'mean-matched'; readonly sigmaT?: number };

/** What of its mixture may be set, by the rule of a start. */
export const START_SCALES = {
  'forward-noise': [],
  eq13: ['sigma', 'sigmaT'],
  'train-index': ['sigma', 'sigmaT'],
  'snr-matched': ['sigma', 'sigmaT'],
  'mean-matched': ['sigmaT'],
} as const satisfies Readonly<Record<WarmStart['mode'], readonly string[]>>;

export type ColdStartOptions =
  | { readonly mode?: 'noise'; readonly solver?: SolverName; readonly steps?: number }
  /** As the STEP release does it: warm from the first decision, with a history of zeros. */
  | { readonly mode: 'zero-history' };

/** Velocity-aware perturbation: a robot that stands still gets a start with more noise. */
export interface StallOptions {
  /** Distance between successive chunks below which the robot stands still. Default 0.01. */
  readonly eps?: number;
  readonly norm?: StallRule['norm'];
  readonly rows?: StallRule['rows'];
  readonly space?: StallRule['space'];
  /** Start of a stalled decision: sigmaScale · prediction + sigmaStall · noise. Default 0.4 and 1.2. */
  readonly sigmaScale?: number;
  readonly sigmaStall?: number;
}
