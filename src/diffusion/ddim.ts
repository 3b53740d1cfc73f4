import { OptionError } from '../foundation/errors.js';
import { checkToggle } from '../foundation/options.js';
import { shownValue } from '../foundation/shown.js';
import type { TimestepSpacing } from '../spec/sampling.js';
import type { Schedule, SolverOptions, SolverStep } from './solver-step.js';
import { alphaBarAt, checkSolverOptions, makeSchedule, networkOutputTerms } from './solver-step.js';
import { checkTimesteps, spacedTimesteps } from './timesteps.js';

export interface DdimOptions extends SolverOptions {
  /** η from 0 (deterministic, default) to 1 (as much noise as DDPM). */
  readonly eta?: number;
  /** Whether the last step ends at the clean chunk (true, default) or at the noise level of timestep 0. */
  readonly setAlphaToOne?: boolean;
  /** Default `leading`. */
  readonly timestepSpacing?: TimestepSpacing;
  /** Added to the timesteps of leading spacing; default 0. The steps keep their length, and the last one ends where it did. */
  readonly stepsOffset?: number;
  /** Whether eps follows from x0 after its clamp (true) or from the network's output (false, default). */
  readonly useClippedModelOutput?: boolean;
  /** Visits these timesteps, `steps` strictly descending ones; each step then leads to the next of them. */
  readonly timesteps?: readonly number[];
}

/**
 * DDIM (Song et al. 2021, eqs. 12 and 16; diffusers `DDIMScheduler`). eps is kept as predicted when x0 is clamped,
 * unless `useClippedModelOutput`.
 * Throws OptionError for unusable steps, timesteps, eta or clip.
 */
export function ddimSchedule(options: DdimOptions): Schedule {
  checkSolverOptions('ddimSchedule', options);
  const { alphasCumprod, steps, eta = 0, timestepSpacing = 'leading', stepsOffset = 0, setAlphaToOne = true } = options;
  checkToggle('ddimSchedule', 'setAlphaToOne', setAlphaToOne);
  if (!(typeof eta === 'number' && eta >= 0 && eta <= 1)) {
    throw new OptionError(`eta must lie between 0 and 1, found ${shownValue(eta)}: choose 0 for a deterministic solver`);
  }
  const chosen = options.timesteps;
  if (chosen !== undefined) {
    checkTimesteps(chosen, steps, alphasCumprod.length);
    return makeSchedule(
      'DDIM',
      chosen.map((t, i) => ddimStep(options, t, chosen[i + 1] ?? -1)),
    );
  }
  const timesteps = spacedTimesteps(timestepSpacing, steps, alphasCumprod.length, stepsOffset);
  // diffusers aims every step at t − ⌊N/K⌋, even where the next timestep it visits is another one.
  const stride = Math.floor(alphasCumprod.length / steps);
  return makeSchedule(
    'DDIM',
    timesteps.map((t) => ddimStep(options, t, t - stride)),
  );
}

/** The step from timestep t to p; p < 0 is the end of the schedule. */
function ddimStep(options: DdimOptions, t: number, p: number): SolverStep {
  const { alphasCumprod, eta = 0, setAlphaToOne = true } = options;
  const alphaBar = alphaBarAt(alphasCumprod, t);
  const alphaBarNext = p >= 0 ? alphaBarAt(alphasCumprod, p) : setAlphaToOne ? 1 : alphaBarAt(alphasCumprod, 0);
  const variance = ((1 - alphaBarNext) / (1 - alphaBar)) * (1 - alphaBar / alphaBarNext);
  const std = eta * Math.sqrt(variance);
  const direction = Math.sqrt(1 - alphaBarNext - std * std);
  return {
    ...networkOutputTerms(options, t),
    ...(options.useClippedModelOutput ? fromClipped(alphaBar, alphaBarNext, direction) : fromPredicted(alphaBarNext, direction)),
    fromPreviousX0: 0,
    fromNoise: std,
  };
}

type Update = Pick<SolverStep, 'fromX0' | 'fromEps' | 'fromSample'>;

function fromPredicted(alphaBarNext: number, direction: number): Update {
  return { fromX0: Math.sqrt(alphaBarNext), fromEps: direction, fromSample: 0 };
}

/** The same with eps = (x − √ā·x0) / √(1−ā), of the clamped x0. */
function fromClipped(alphaBar: number, alphaBarNext: number, direction: number): Update {
  const fromSample = direction / Math.sqrt(1 - alphaBar);
  return { fromX0: Math.sqrt(alphaBarNext) - Math.sqrt(alphaBar) * fromSample, fromEps: 0, fromSample };
}
