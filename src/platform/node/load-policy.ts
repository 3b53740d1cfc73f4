import type { CheckpointSource } from '../../checkpoints/source.js';
import { checkLoadOptions, type LoadPolicyOptions, loadPolicyWith } from '../../policy/load-policy.js';
import type { Policy } from '../../policy/policy.js';
import type { Profile } from '../../runtime/device.js';
import { openDevice } from './device.js';
import { folderSource } from './folder-source.js';
import type { AdapterChoice } from './gpu.js';

export interface LoadNodePolicyOptions extends Omit<LoadPolicyOptions, 'networks'> {
  /** Networks beside the policy's own: each a folder or a source. */
  readonly networks?: {
    /** A predictor folder, a source, or 'shift'. */
    readonly predictor?: string | CheckpointSource;
  };
  /** Adapter of the device that is opened when none is given. Default: WARMSTEP_ADAPTER, else `auto`. */
  readonly adapter?: AdapterChoice;
  /** Profile of that device. Default: WARMSTEP_PROFILE, else `safe`. */
  readonly profile?: Profile;
}

/**
 * Loads a checkpoint from a folder (or any source), ready to act. See the core's `loadPolicy`.
 * @throws as the core's loadPolicy; CheckpointError where there is no such folder.
 */
export async function loadPolicy(source: string | CheckpointSource, options: LoadNodePolicyOptions = {}): Promise<Policy> {
  checkLoadOptions(options, ['adapter', 'profile']);
  const { networks, adapter, profile, ...rest } = options;
  const policySource = typeof source === 'string' ? await folderSource(source) : source;
  const predictor = networks?.predictor;
  const predictorSource = typeof predictor === 'string' ? await predictorFolder(predictor) : predictor;
  const choice = { ...(adapter === undefined ? {} : { adapter }), ...(profile === undefined ? {} : { profile }) };
  const networksGiven = predictorSource === undefined ? {} : { networks: { predictor: predictorSource } };
  return loadPolicyWith(policySource, { ...rest, ...networksGiven }, () => openDevice(choice));
}

async function predictorFolder(predictor: string): Promise<CheckpointSource | 'shift'> {
  return predictor === 'shift' ? predictor : folderSource(predictor);
}
