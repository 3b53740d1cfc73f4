import { OptionError } from '../foundation/errors.js';
import { type DdpmOptions, ddpmSchedule } from './ddpm.js';
import { makeSchedule, type Schedule, type SolverCoefficients, type SolverStep, usesThresholding } from './solver-step.js';

/** Level of a slot that is clean: there is no step for it. */
export const CLEAN = -1;

/** What slot schedules take from a network's noise schedule. */
export type SlotScheduleOptions = Pick<DdpmOptions, 'alphasCumprod' | 'predictionType' | 'clip' | 'varianceType'>;

/** A row that stays as it is. */
const STILL: SolverCoefficients = {
  x0FromSample: 0,
  x0FromOutput: 0,
  clip: null,
  epsFromSample: 0,
  epsFromOutput: 0,
  fromX0: 0,
  fromEps: 0,
  fromSample: 1,
  fromPreviousX0: 0,
  fromNoise: 0,
};

/**
 * Makes schedules whose steps treat every row of a chunk, a *slot*, by a level of its own: row j of step i goes from level
 * `levels[i][j]` to the level below, as a step of DDPM does, and row j stays as it is where that level is −1 (SDP, RNR-DP).
 * Steps of every level are made once.
 */
export class SlotSolver {
  /** From level ℓ to ℓ − 1, by ℓ. */
  readonly #steps: readonly SolverStep[];

  /** @throws OptionError for dynamic thresholding, which needs all values of a sample at one level. */
  constructor(options: SlotScheduleOptions) {
    const levels = options.alphasCumprod.length;
    const timesteps = Array.from({ length: levels }, (_, i) => levels - 1 - i);
    const { steps } = ddpmSchedule({ ...options, steps: levels, timesteps });
    if (steps.some(usesThresholding)) {
      throw new OptionError('slots of several levels cannot be thresholded dynamically: give a bound to clamp to, or null.');
    }
    this.#steps = [...steps].reverse();
  }

  /** A schedule of one step for every vector of levels, in their order. */
  schedule(vectors: readonly (readonly number[])[]): Schedule {
    return makeSchedule(
      'DDPM',
      vectors.map((levels) => this.#step(levels)),
    );
  }

  #step(levels: readonly number[]): SolverStep {
    const slots = levels.map((level) => (level === CLEAN ? STILL : this.#at(level)));
    // Nothing of the step as a whole is read: it is known by the noisiest level that it treats.
    return { ...STILL, timestep: Math.max(0, ...levels), levels, slots };
  }

  #at(level: number): SolverStep {
    const step = this.#steps[level];
    if (step === undefined) {
      throw new OptionError(`the level of a slot must be an integer from −1 to ${this.#steps.length - 1}, found ${level}.`);
    }
    return step;
  }
}
