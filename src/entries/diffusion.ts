/** `warmstep/diffusion`: schedules, solvers and noise as pure float64, e.g. for `policy.denoise()`. */

export { type DdimOptions, ddimSchedule } from '../diffusion/ddim.js';
export { type DdpmOptions, ddpmSchedule } from '../diffusion/ddpm.js';
export { type DpmSolverOptions, dpmSolverSchedule, type FinalSigma, type SolverType } from '../diffusion/dpm-solver.js';
export { alphasCumprod, type ScheduleArithmetic } from '../diffusion/noise-schedule.js';
export { fillNormal, type NoiseKey } from '../diffusion/philox.js';
export { resumeSchedule } from '../diffusion/resume.js';
export { makeSchedule, type Schedule, type SolverName, type SolverStep } from '../diffusion/solver-step.js';
export type { TimestepSpacing } from '../diffusion/timesteps.js';
export type { NoiseScheduleOptions } from '../spec/noise-schedule.js';
