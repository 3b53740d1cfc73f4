import type { SolverStep } from '../../src/diffusion/solver-step.js';

/** The update of one element in float64: the reference of the solver-step kernel. */
export function applySolverStep(step: SolverStep, x: number, m: number, previousX0: number, z: number): { x: number; x0: number } {
  const predicted = step.x0FromSample * x + step.x0FromOutput * m;
  const x0 = step.clip === null ? predicted : Math.min(Math.max(predicted, -step.clip), step.clip);
  const eps = step.epsFromSample * x + step.epsFromOutput * m;
  const next = step.fromX0 * x0 + step.fromEps * eps + step.fromSample * x + step.fromPreviousX0 * previousX0 + step.fromNoise * z;
  return { x: next, x0 };
}
