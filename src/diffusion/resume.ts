import { OptionError } from '../foundation/errors.js';
import { checkList, checkObject } from '../foundation/options.js';
import { shownValue } from '../foundation/shown.js';
import { makeSchedule, networkOutputTerms, type Schedule, type SolverOptions } from './solver-step.js';

/**
 * The steps of a schedule from `first` on, for a sample that is at that step's noise level. The first of them has no x̂0
 * of a step before: a multistep solver takes it with first order, which is the step with the previous x̂0 equal to its own.
 * Throws OptionError for a step that the schedule does not have, and for schedules of third order: their second step would need a
 * lower order as well, which does not follow from its coefficients.
 */
export function resumeSchedule(schedule: Schedule, first: number): Schedule {
  checkObject('resumeSchedule', 'schedule', schedule);
  const { solver, steps } = schedule;
  checkList('resumeSchedule', 'steps', steps, (member) => checkObject('resumeSchedule', 'a step', member));
  const step = typeof first === 'number' ? steps[first] : undefined;
  if (step === undefined) {
    throw new OptionError(
      `a schedule of ${steps.length} steps can be resumed at steps 0 to ${steps.length - 1}, found ${shownValue(first)}: correct the step`,
    );
  }
  if (steps.some(({ fromOlderX0 = 0 }) => fromOlderX0 !== 0)) {
    throw new OptionError(`a third-order schedule of ${solver} cannot be resumed: make it with solverOrder 1 or 2`);
  }
  return makeSchedule(solver, [{ ...step, fromX0: step.fromX0 + step.fromPreviousX0, fromPreviousX0: 0 }, ...steps.slice(first + 1)]);
}

/** One evaluation at a timestep that ends at x̂0, the clean chunk that the network makes of the sample. */
export function posteriorMeanSchedule(
  solver: Schedule['solver'],
  options: Pick<SolverOptions, 'alphasCumprod' | 'predictionType' | 'clip'>,
  timestep: number,
): Schedule {
  const nothingElse = { fromEps: 0, fromSample: 0, fromPreviousX0: 0, fromNoise: 0 };
  return makeSchedule(solver, [{ ...networkOutputTerms(options, timestep), fromX0: 1, ...nothingElse }]);
}
