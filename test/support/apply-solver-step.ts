import type { SolverStep } from '../../src/diffusion/solver-step.js';

/** The update of one element in float64: the reference of the solver-step kernel, for steps that do not threshold. */
export function applySolverStep(
  step: SolverStep,
  x: number,
  m: number,
  previousX0: number,
  z: number,
  olderX0 = 0,
): { x: number; x0: number } {
  const { clip } = step;
  if (clip !== null && typeof clip !== 'number') throw new Error('thresholding needs a whole sample');
  const predicted = step.x0FromSample * x + step.x0FromOutput * m;
  const x0 = clip === null ? predicted : Math.min(Math.max(predicted, -clip), clip);
  return { x: next(step, x, m, x0, previousX0, z, olderX0), x0 };
}

/** What a step works on: one sample, flattened. */
export interface StepInput {
  readonly x: ArrayLike<number>;
  readonly output: ArrayLike<number>;
  readonly noise?: ArrayLike<number> | undefined;
  readonly previousX0?: ArrayLike<number> | undefined;
  readonly olderX0?: ArrayLike<number> | undefined;
}

/** The update of a whole sample in float64, dynamic thresholding included. */
export function applyToSample(step: SolverStep, input: StepInput): { x: Float64Array; x0: Float64Array } {
  const { x, output } = input;
  const predicted = Float64Array.from(x, (value, i) => step.x0FromSample * value + step.x0FromOutput * (output[i] as number));
  const x0 = bounded(predicted, step.clip);
  const of = (values: ArrayLike<number> | undefined, i: number): number => values?.[i] ?? 0;
  const result = Float64Array.from(x, (value, i) =>
    next(step, value, output[i] as number, x0[i] as number, of(input.previousX0, i), of(input.noise, i), of(input.olderX0, i)),
  );
  return { x: result, x0 };
}

function next(step: SolverStep, x: number, m: number, x0: number, previousX0: number, z: number, olderX0: number): number {
  const eps = step.epsFromSample * x + step.epsFromOutput * m;
  const past = step.fromPreviousX0 * previousX0 + (step.fromOlderX0 ?? 0) * olderX0;
  return step.fromX0 * x0 + step.fromEps * eps + step.fromSample * x + past + step.fromNoise * z;
}

function bounded(x0: Float64Array, clip: SolverStep['clip']): Float64Array {
  if (clip === null) return x0;
  const clamp = (value: number, bound: number): number => Math.min(Math.max(value, -bound), bound);
  if (typeof clip === 'number') return x0.map((value) => clamp(value, clip));
  const sorted = x0.map(Math.abs).sort();
  const position = clip.quantile * (sorted.length - 1);
  const rank = Math.floor(position);
  const [low, high] = [sorted[rank] as number, sorted[Math.min(rank + 1, sorted.length - 1)] as number];
  const bound = Math.min(Math.max(low + (position - rank) * (high - low), 1), clip.most);
  return x0.map((value) => clamp(value, bound) / bound);
}
