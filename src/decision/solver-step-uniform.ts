import type { SolverStep } from '../diffusion/solver-step.js';

/** Writes the uniform `Step` of solver-update.wgsl.ts, field by field. */
export function writeSolverStep(view: DataView, offset: number, step: SolverStep, statusCode: number): void {
  const { clip } = step;
  const thresholding = clip === null || typeof clip === 'number' ? undefined : clip;
  const float = (field: number, value: number): void => view.setFloat32(offset + field * 4, value, true);
  [
    step.x0FromSample,
    step.x0FromOutput,
    step.epsFromSample,
    step.epsFromOutput,
    step.fromX0,
    step.fromEps,
    step.fromSample,
    step.fromPreviousX0,
    step.fromNoise,
    typeof clip === 'number' ? clip : 0,
  ].forEach((value, field) => float(field, value));
  view.setUint32(offset + 10 * 4, statusCode, true);
  float(11, step.fromOlderX0 ?? 0);
  float(12, thresholding?.quantile ?? 0);
  float(13, thresholding?.most ?? 0);
}
