/** The core: everything that runs in any JavaScript runtime with WebGPU. */
export * from './errors.js';
export { blobSource, memorySource, type ByteSource, type CheckpointSource } from './checkpoints/source.js';
export { loadPolicyCheckpoint } from './checkpoints/load-policy.js';
export { loadPredictorCheckpoint } from './checkpoints/load-predictor.js';
export type { PolicyCheckpoint, PredictorCheckpoint } from './checkpoints/types.js';
export { encodeSafetensors, SafetensorsFile, type Dtype, type TensorInfo, type WritableTensor } from './checkpoints/safetensors.js';
export { fillNormal, type NoiseKey } from './diffusion/philox.js';
export type { Precision } from './ops/weight-source.js';
export type { PrecisionChoice } from './policy/choose-precision.js';
export { loadPolicy, type LoadPolicyOptions } from './policy/load-policy.js';
export type { Observation } from './policy/observations.js';
export type { Episode } from './policy/episode.js';
export {
  Policy, type ActOptions, type DecideRequest, type EpisodeOptions, type PlanOptions, type PlanResult,
} from './policy/policy.js';
export type { PolicyInfo } from './policy/policy-info.js';
export { STEP_PRESETS } from './policy/step-strategy.js';
export { RTI_DP_TIMESTEPS } from './policy/rti-dp-strategy.js';
export type { PastChunk } from './policy/strategy.js';
export type {
  ColdStartOptions, FalconStrategyOptions, GripperOptions, RtiDpStrategyOptions, SolverStrategyOptions, StallOptions,
  StepStrategyOptions, StrategyOptions, WarmStartOptions,
} from './policy/strategy-options.js';
export { ComputeDevice, type AdapterFacts, type AdapterSummary, type OpenDeviceOptions, type Profile } from './runtime/device.js';
export type { DispatchInfo } from './runtime/plan.js';
export type { DispatchTiming, PlanTiming } from './runtime/timing.js';
export type { TunedTiling, VariantTable } from './runtime/variant-table.js';
