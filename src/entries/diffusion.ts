/** `warmstep/diffusion`: schedules, solvers and noise as pure float64, e.g. for `policy.denoise()`. */

export { type DdimOptions, ddimSchedule } from '../diffusion/ddim.js';
export { type DdpmOptions, ddpmSchedule } from '../diffusion/ddpm.js';
export { type AlgorithmType, type DpmSolverOptions, dpmSolverSchedule, type FinalSigma, type SolverType } from '../diffusion/dpm-solver.js';
export type { KarrasTimestep } from '../diffusion/noise-ratio.js';
export { alphasCumprod, type ScheduleArithmetic } from '../diffusion/noise-schedule.js';
export { fillNormal, type NoiseKey } from '../diffusion/philox.js';
export { resumeSchedule } from '../diffusion/resume.js';
export {
  type Clip,
  makeSchedule,
  type Schedule,
  type ScheduleName,
  type SolverCoefficients,
  type SolverName,
  type SolverStep,
} from '../diffusion/solver-step.js';
export type { BetaSchedule, NoiseScheduleOptions } from '../spec/noise-schedule.js';
export type { PredictionType, Thresholding, TimestepSpacing, VarianceType } from '../spec/sampling.js';
