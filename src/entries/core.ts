/**
 * `warmstep/core`: policies in any JavaScript runtime with WebGPU, without a Node import: of sources, on a `ComputeDevice`.
 * `warmstep` is the same and what runtimes do differently: folders as checkpoints, and a device by the name of its adapter.
 */

export { type ByteSource, blobSource, type CheckpointSource, memorySource, type NamedBlob } from '../checkpoints/source.js';
export type { DenoiseSample } from '../decision/denoiser.js';
export type { AbortSignalLike } from '../foundation/abort-signal.js';
export {
  CheckpointError,
  DeviceLimitError,
  DeviceLostError,
  DisposedError,
  DownloadError,
  HalfRangeError,
  NoAdapterError,
  NonFiniteError,
  ObservationError,
  OptionError,
  ShaderError,
  UnsupportedCheckpointError,
  WarmstepError,
} from '../foundation/errors.js';
export { SetupError } from '../foundation/setup-error.js';
export type { Observation, ObservationValue } from '../observations/frame.js';
export type { ImageValue, Picture, Pixels, RawImage } from '../observations/picture.js';
export type { Episode } from '../policy/episode.js';
export type { PolicyInfo } from '../policy/info.js';
export { type LoadPolicyOptions, loadPolicy } from '../policy/load-policy.js';
export type { LoadProgress, OnLoadProgress } from '../policy/load-progress.js';
export {
  type ActOptions,
  type DecideOptions,
  type DecideRequest,
  type Decision,
  type DecisionCost,
  type EpisodeOptions,
  type EpisodeRequest,
  Policy,
  type ReloadOptions,
  type StatelessRequest,
} from '../policy/policy.js';
export type { PrecisionChoice } from '../policy/precision.js';
export type { Fetch, FetchRequest, FetchResponse } from '../remote/http.js';
export { type UrlSourceOptions, urlSource } from '../remote/url-source.js';
export {
  type AdapterFacts,
  type AdapterSummary,
  ComputeDevice,
  type IdleChoice,
  type OpenDeviceOptions,
  type Profile,
  type WebGpu,
} from '../runtime/device.js';
export type { KernelProgress } from '../runtime/pipeline-cache.js';
export type { DispatchInfo } from '../runtime/plan.js';
export type { DispatchTiming, PlanTiming } from '../runtime/timing.js';
export type { TunedConv2d, TunedPixels, TunedTile } from '../runtime/tuned-conv2d.js';
export type { TunedTiling, VariantTable } from '../runtime/variant-table.js';
export type { Dialect, ImageInputs, ImageObservation, ObservationInfo, VectorObservation } from '../spec/policy-spec.js';
export type { Precision } from '../spec/precision.js';
export type { PrepareChoice, PrepareOptions } from '../spec/prepare-options.js';
export { parseStrategies, parseStrategy } from '../strategies/parse.js';
export { RTI_DP_TIMESTEPS } from '../strategies/rti-dp.js';
export { STEP_PRESETS } from '../strategies/step.js';
export type { DenoiseResult, PastChunk } from '../strategies/strategy.js';
export type {
  BridgerStrategyOptions,
  ColdStartOptions,
  ConsistencyStrategyOptions,
  FalconStrategyOptions,
  GripperOptions,
  NamedStrategy,
  NoDiffusionStrategyOptions,
  OneDpStrategyOptions,
  RnrDpStrategyOptions,
  RtiDpStrategyOptions,
  SdpStrategyOptions,
  SolverStrategyOptions,
  StallOptions,
  StepStrategyOptions,
  StrategyOptions,
  WarmStartOptions,
} from '../strategies/strategy-options.js';
