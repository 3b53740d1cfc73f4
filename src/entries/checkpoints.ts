/** `warmstep/checkpoints`: what checkpoint folders hold, without a device, and safetensors files, read and written. */

export { loadPredictorCheckpoint } from '../checkpoints/predictor/read-predictor.js';
export { loadPolicyCheckpoint } from '../checkpoints/read-policy.js';
export {
  type Dtype,
  encodeSafetensors,
  SafetensorsFile,
  type TensorInfo,
  type WritableTensor,
} from '../checkpoints/safetensors/safetensors.js';
export { type ByteSource, blobSource, type CheckpointSource, memorySource } from '../checkpoints/source.js';
export type { PolicyCheckpoint, PredictorCheckpoint } from '../checkpoints/types.js';
