import type { Schedule, SolverStep } from '../diffusion/solver-step.js';

/** Answers that were given: a fleet compares the same schedules at every decision, and theirs may have coefficients for every row of a chunk. */
const KNOWN = new WeakMap<Schedule, WeakMap<Schedule, boolean>>();

/**
 * Whether two schedules are the same steps, by their values: strategies of one kind that were made apart have schedules apart, and their robots
 * share a batch all the same.
 */
export function sameSteps(a: Schedule, b: Schedule): boolean {
  if (a === b) return true;
  const known = KNOWN.get(a)?.get(b);
  if (known !== undefined) return known;
  const isSame = a.steps.length === b.steps.length && a.steps.every((step, i) => sameStep(step, b.steps[i] as SolverStep));
  const answers = KNOWN.get(a) ?? new WeakMap<Schedule, boolean>();
  KNOWN.set(a, answers.set(b, isSame));
  return isSame;
}

function sameStep({ levels, slots, ...step }: SolverStep, { levels: otherLevels, slots: otherSlots, ...other }: SolverStep): boolean {
  return (
    sameValues(step, other) && sameList(levels, otherLevels, (one, another) => one === another) && sameList(slots, otherSlots, sameValues)
  );
}

function sameValues<T extends object>(a: T, b: T): boolean {
  return (Object.keys({ ...a, ...b }) as (keyof T)[]).every((key) => a[key] === b[key]);
}

function sameList<T>(a: readonly T[] | undefined, b: readonly T[] | undefined, same: (one: T, other: T) => boolean): boolean {
  if (a === b) return true;
  return a !== undefined && b !== undefined && a.length === b.length && a.every((one, i) => same(one, b[i] as T));
}
