import { writeStepUniform } from '../../kernels/sampling/solver-update.wgsl.js';
import type { SolverCoefficients } from '../diffusion/solver-step.js';

/** Writes the uniform of a denoising step; `statusCode` reports that its network output is NaN or infinite. */
export function writeSolverStep(view: DataView, offset: number, step: SolverCoefficients, statusCode: number): void {
  const { clip, fromOlderX0 = 0 } = step;
  const thresholding = typeof clip === 'number' ? null : clip;
  writeStepUniform(view, offset, {
    ...step,
    clip: typeof clip === 'number' ? clip : 0,
    statusCode,
    fromOlderX0,
    thresholdQuantile: thresholding?.quantile ?? 0,
    thresholdMost: thresholding?.most ?? 0,
  });
}
