import type { Clip, SolverStep } from '../diffusion/solver-step.js';

/** Samples of a run, as solver steps leave them. */
export interface SolverState {
  readonly x: Float64Array;
  /** x̂0 of the step before, and of the one before that; undefined where there was none. */
  readonly previousX0?: Float64Array | undefined;
  readonly olderX0?: Float64Array | undefined;
}

/** One solver step on the host, the formula of `SolverStep` in float64. `output`: of the denoiser; `noise`: of a noisy step. */
export function solverStep(step: SolverStep, state: SolverState, output: Float64Array, noise: ArrayLike<number> | undefined): SolverState {
  const { x, previousX0, olderX0 } = state;
  const x0 = bounded(
    x.map((value, i) => step.x0FromSample * value + step.x0FromOutput * (output[i] as number)),
    step.clip,
  );
  const next = x.map((value, i) => {
    const eps = step.epsFromSample * value + step.epsFromOutput * (output[i] as number);
    let sum = step.fromX0 * (x0[i] as number) + step.fromEps * eps + step.fromSample * value;
    if (previousX0) sum += step.fromPreviousX0 * (previousX0[i] as number);
    if (olderX0) sum += (step.fromOlderX0 ?? 0) * (olderX0[i] as number);
    if (step.fromNoise !== 0) sum += step.fromNoise * (noise?.[i] ?? NaN);
    return sum;
  });
  return { x: next, previousX0: x0, olderX0: previousX0 };
}

/** A clamp, or dynamic thresholding (Imagen): the quantile of |x̂0|, at least 1, is the bound, and becomes 1. */
function bounded(x0: Float64Array, clip: Clip): Float64Array {
  if (clip === null) return x0;
  if (typeof clip === 'number') return x0.map((value) => clamp(value, clip));
  const sorted = x0.map(Math.abs).sort();
  const position = clip.quantile * (sorted.length - 1);
  const rank = Math.floor(position);
  const [low, high] = [sorted[rank] as number, sorted[Math.min(rank + 1, sorted.length - 1)] as number];
  const bound = Math.min(Math.max(low + (position - rank) * (high - low), 1), clip.most);
  return x0.map((value) => clamp(value, bound) / bound);
}

/** NaN stays NaN. */
function clamp(value: number, bound: number): number {
  return Math.min(Math.max(value, -bound), bound);
}
