import { OptionError } from '../foundation/errors.js';
import { type DdpmOptions, ddpmSchedule } from './ddpm.js';
import { makeSchedule, type Schedule, type SolverStep, usesThresholding } from './solver-step.js';

/** Level of a slot that is clean: there is no step for it. */
export const CLEAN = -1;

/** What slot schedules take from a network's noise schedule. */
export type SlotScheduleOptions = Pick<DdpmOptions, 'alphasCumprod' | 'predictionType' | 'clip' | 'varianceType'>;

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
    const slots = levels.map((level) => (level === CLEAN ? null : this.#at(level)));
    // What the step says of itself as a whole: the noisiest level that it treats, and whether it takes a row of noise.
    const noisiest = this.#at(Math.max(0, ...levels));
    return {
      ...noisiest,
      x0FromSample: 0,
      x0FromOutput: 0,
      epsFromSample: 0,
      epsFromOutput: 0,
      fromX0: 0,
      fromSample: 0,
      fromNoise: slots.some((slot) => slot !== null && slot.fromNoise !== 0) ? 1 : 0,
      slots,
    };
  }

  #at(level: number): SolverStep {
    const step = this.#steps[level];
    if (step === undefined) {
      throw new OptionError(`the level of a slot must be an integer from −1 to ${this.#steps.length - 1}, found ${level}.`);
    }
    return step;
  }
}

/** Levels of the slots of a step, −1 for a clean one; undefined for a step that treats all rows alike. */
export function slotLevels({ slots }: SolverStep): readonly number[] | undefined {
  return slots?.map((slot) => slot?.timestep ?? CLEAN);
}
