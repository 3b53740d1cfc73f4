/** The core: everything that runs in any JavaScript runtime with WebGPU. */

export { loadPredictorCheckpoint } from './checkpoints/predictor/read-predictor.js';
export { loadPolicyCheckpoint } from './checkpoints/read-policy.js';
export {
  type Dtype,
  encodeSafetensors,
  SafetensorsFile,
  type TensorInfo,
  type WritableTensor,
} from './checkpoints/safetensors/safetensors.js';
export { type ByteSource, blobSource, type CheckpointSource, memorySource } from './checkpoints/source.js';
export type { PolicyCheckpoint, PredictorCheckpoint } from './checkpoints/types.js';
export * from './control/index.js';
export type { DenoiseSample } from './decision/denoiser.js';
export { type DdimOptions, ddimSchedule } from './diffusion/ddim.js';
export { type DdpmOptions, ddpmSchedule } from './diffusion/ddpm.js';
export { type DpmSolverOptions, dpmSolverSchedule } from './diffusion/dpm-solver.js';
export { alphasCumprod } from './diffusion/noise-schedule.js';
export { fillNormal, type NoiseKey } from './diffusion/philox.js';
export { resumeSchedule } from './diffusion/resume.js';
export { makeSchedule, type Schedule, type SolverStep } from './diffusion/solver-step.js';
export type { Environment, EnvironmentStep, PolicyOfTask, Task, TaskEnvironment, TaskKind } from './envs/environment.js';
export { observeKeypoints, observeMaskedKeypoints } from './envs/push-t/keypoints.js';
export { observeAgent, observeState, observeVertices, pushTObservation } from './envs/push-t/observations.js';
export { drawPicture, PICTURE_SIZE } from './envs/push-t/picture.js';
export {
  type ContactPoint,
  PUSH_T_MAX_STEPS,
  PushT,
  type PushTOptions,
  type PushTState,
  type PushTStep,
  SUCCESS_COVERAGE,
} from './envs/push-t/push-t.js';
export { pushTTask } from './envs/push-t/task.js';
export type { Scene, SceneAxis, SceneBoard, SceneMoment, ScenePart } from './envs/scene.js';
export { TASKS } from './envs/tasks.js';
export { type EvaluateOptions, evaluate } from './evaluation/evaluate.js';
export { type Latencies, type LatencyOptions, measureLatency } from './evaluation/latency.js';
export { type DecisionMoment, type PlayOptions, playEpisode } from './evaluation/play.js';
export type { EpisodeRecord, EvaluationRecord, Replay, StrategyGrid, StrategyRecord } from './evaluation/record.js';
export { renderReport } from './evaluation/report/render.js';
export { type Agreement, compareWithReference, type ReferenceScores, type StrategySummary, summarize } from './evaluation/summary.js';
export * from './foundation/errors.js';
export type { Observation } from './observations/check.js';
export type { Episode } from './policy/episode.js';
export type { PolicyInfo } from './policy/info.js';
export { type LoadPolicyOptions, loadPolicy } from './policy/load-policy.js';
export {
  type ActOptions,
  type DecideOptions,
  type DecideRequest,
  type Decision,
  type EpisodeOptions,
  type EpisodeRequest,
  Policy,
  type StatelessRequest,
} from './policy/policy.js';
export type { PrecisionChoice } from './policy/precision.js';
export { type AdapterFacts, type AdapterSummary, ComputeDevice, type OpenDeviceOptions, type Profile } from './runtime/device.js';
export type { DispatchInfo } from './runtime/plan.js';
export type { DispatchTiming, PlanTiming } from './runtime/timing.js';
export type { TunedTiling, VariantTable } from './runtime/variant-table.js';
export type { Precision } from './spec/precision.js';
export { parseStrategies, parseStrategy } from './strategies/parse.js';
export { RTI_DP_TIMESTEPS } from './strategies/rti-dp.js';
export { STEP_PRESETS } from './strategies/step.js';
export type { DenoiseResult, PastChunk } from './strategies/strategy.js';
export type {
  ColdStartOptions,
  FalconStrategyOptions,
  GripperOptions,
  NamedStrategy,
  RtiDpStrategyOptions,
  SolverStrategyOptions,
  StallOptions,
  StepStrategyOptions,
  StrategyOptions,
  WarmStartOptions,
} from './strategies/strategy-options.js';
