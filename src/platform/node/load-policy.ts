import type { CheckpointSource } from '../../checkpoints/source.js';
import { checkKeys } from '../../foundation/options.js';
import { LOAD_POLICY_KEYS, type LoadPolicyOptions, loadPolicy as loadFromSource } from '../../policy/load-policy.js';
import type { Policy } from '../../policy/policy.js';
import type { Profile } from '../../runtime/device.js';
import { openDevice } from './device.js';
import { folderSource } from './folder-source.js';
import type { AdapterChoice } from './gpu.js';

export interface LoadNodePolicyOptions extends Omit<LoadPolicyOptions, 'predictor'> {
  /** A predictor folder, a source, or 'shift'. */
  readonly predictor?: string | CheckpointSource;
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
  checkKeys('loadPolicy', options, [...LOAD_POLICY_KEYS, 'adapter', 'profile']);
  const { predictor, adapter, profile, device: given, ...rest } = options;
  const policySource = typeof source === 'string' ? await folderSource(source) : source;
  const predictorSource = typeof predictor === 'string' ? await predictorFolder(predictor) : predictor;
  const device =
    given ?? (await openDevice({ ...(adapter === undefined ? {} : { adapter }), ...(profile === undefined ? {} : { profile }) }));
  const onDispose = (): void => {
    if (!given) device.dispose();
    options.onDispose?.();
  };
  try {
    return await loadFromSource(policySource, {
      ...rest,
      device,
      ...(predictorSource === undefined ? {} : { predictor: predictorSource }),
      onDispose,
    });
  } catch (error) {
    if (!given) device.dispose();
    throw error;
  }
}

async function predictorFolder(predictor: string): Promise<CheckpointSource | 'shift'> {
  return predictor === 'shift' ? predictor : folderSource(predictor);
}
