/** `warmstep/checkpoints`: what checkpoint folders hold, without a device, and safetensors files, read and written. */

export { loadMethodCheckpoint } from '../checkpoints/methods/read-method.js';
export { loadPredictorCheckpoint, loadStartCheckpoint } from '../checkpoints/predictor/read-predictor.js';
export { loadPolicyCheckpoint } from '../checkpoints/read-policy.js';
export {
  type Dtype,
  encodeSafetensors,
  SafetensorsFile,
  type TensorInfo,
  type WritableTensor,
} from '../checkpoints/safetensors/safetensors.js';
export { type ByteSource, blobSource, type CheckpointSource, memorySource, type NamedBlob } from '../checkpoints/source.js';
export type {
  CvaeCheckpoint,
  LoadOptions,
  MethodCheckpoint,
  PolicyCheckpoint,
  PredictorCheckpoint,
  StartCheckpoint,
} from '../checkpoints/types.js';
export type {
  BridgePrior,
  BridgerNetwork,
  ConsistencyNetwork,
  Interpolant,
  MethodConfig,
  NoDiffusionNetwork,
  OneDpNetwork,
  SdeForm,
} from '../spec/method-networks.js';
export type {
  CvaeActivation,
  CvaeShape,
  LevelEncoding,
  PredictorObservation,
  PredictorShape,
  RawRows,
  SmallEncoderShape,
  UnetShape,
} from '../spec/network-shapes.js';
export type { NoiseScheduleOptions } from '../spec/noise-schedule.js';
export type {
  Dialect,
  NormalizationMode,
  Normalizer,
  ObservationFeature,
  PolicySpec,
  SchedulerConfig,
  Unnormalizer,
} from '../spec/policy-spec.js';
