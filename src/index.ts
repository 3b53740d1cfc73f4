/** The core: everything that runs in any JavaScript runtime with WebGPU. */
export * from './foundation/errors.js';
export { blobSource, memorySource, type ByteSource, type CheckpointSource } from './checkpoints/source.js';
export { loadPolicyCheckpoint } from './checkpoints/read-policy.js';
export { loadPredictorCheckpoint } from './checkpoints/predictor/read-predictor.js';
export type { PolicyCheckpoint, PredictorCheckpoint } from './checkpoints/types.js';
export { encodeSafetensors, SafetensorsFile, type Dtype, type TensorInfo, type WritableTensor } from './checkpoints/safetensors/safetensors.js';
export { ddimSchedule, type DdimOptions } from './diffusion/ddim.js';
export { ddpmSchedule, type DdpmOptions } from './diffusion/ddpm.js';
export { dpmSolverSchedule, type DpmSolverOptions } from './diffusion/dpm-solver.js';
export { alphasCumprod } from './diffusion/noise-schedule.js';
export { fillNormal, type NoiseKey } from './diffusion/philox.js';
export { resumeSchedule } from './diffusion/resume.js';
export { makeSchedule, type Schedule, type SolverStep } from './diffusion/solver-step.js';
export type { Precision } from './spec/precision.js';
export type { PrecisionChoice } from './policy/precision.js';
export { loadPolicy, type LoadPolicyOptions } from './policy/load-policy.js';
export type { Observation } from './observations/check.js';
export type { DenoiseSample } from './decision/denoiser.js';
export type { Episode } from './policy/episode.js';
export type { DenoiseResult } from './strategies/strategy.js';
export {
  Policy, type ActOptions, type DecideRequest, type EpisodeOptions, type PlanOptions, type PlanResult,
} from './policy/policy.js';
export type { PolicyInfo } from './policy/info.js';
export { STEP_PRESETS } from './strategies/step.js';
export { RTI_DP_TIMESTEPS } from './strategies/rti-dp.js';
export type { PastChunk } from './strategies/strategy.js';
export type {
  ColdStartOptions, FalconStrategyOptions, GripperOptions, RtiDpStrategyOptions, SolverStrategyOptions, StallOptions,
  StepStrategyOptions, StrategyOptions, WarmStartOptions,
} from './strategies/strategy-options.js';
export { ComputeDevice, type AdapterFacts, type AdapterSummary, type OpenDeviceOptions, type Profile } from './runtime/device.js';
export type { DispatchInfo } from './runtime/plan.js';
export type { DispatchTiming, PlanTiming } from './runtime/timing.js';
export type { TunedTiling, VariantTable } from './runtime/variant-table.js';
export * from './control/index.js';
export type { Environment, EnvironmentStep } from './envs/environment.js';
export { observeKeypoints, observeMaskedKeypoints } from './envs/push-t/keypoints.js';
export { observeAgent, observeState, observeVertices, pushTObservation } from './envs/push-t/observations.js';
export { drawPicture, PICTURE_SIZE } from './envs/push-t/picture.js';
export { PushT, PUSH_T_MAX_STEPS, SUCCESS_COVERAGE, type ContactPoint, type PushTOptions, type PushTState, type PushTStep } from './envs/push-t/push-t.js';
export { evaluate, type EvaluateOptions } from './evaluation/evaluate.js';
export type { NamedStrategy } from './strategies/strategy-options.js';
export { measureLatency, type Latencies, type LatencyOptions } from './evaluation/latency.js';
export type { EpisodeRecord, EvaluationRecord, Replay, StrategyGrid, StrategyRecord } from './evaluation/record.js';
export { parseStrategies, parseStrategy } from './strategies/parse.js';
export { compareWithReference, summarize, type Agreement, type ReferenceScores, type StrategySummary } from './evaluation/summary.js';
export { pushTTask, type Task, type TaskEnvironment } from './envs/push-t/task.js';
export { renderReport } from './evaluation/report/render.js';
