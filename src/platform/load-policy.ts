import { type CheckpointSource, checkSource } from '../checkpoints/source.js';
import { checkLoadOptions, loadPolicyWith } from '../policy/load-policy.js';
import type { Policy } from '../policy/policy.js';
import type { ComputeDevice } from '../runtime/device.js';
import type { LoadPolicyOptions, OpenDeviceOptions } from './options.js';

/** What differs between runtimes. */
export interface Runtime {
  /** The source of a path. */
  folderSource(folder: string): Promise<CheckpointSource>;
  openDevice(options: OpenDeviceOptions): Promise<ComputeDevice>;
}

/** `loadPolicy` of a runtime: paths become sources, and a device is opened where none is given. */
export async function loadPolicyIn(runtime: Runtime, source: string | CheckpointSource, options: LoadPolicyOptions): Promise<Policy> {
  checkLoadOptions(options, ['adapter', 'profile']);
  if (typeof source !== 'string') checkSource('loadPolicy', 'source (or the path of a folder)', source);
  const { networks, adapter, profile, ...rest } = options;
  const policySource = typeof source === 'string' ? await runtime.folderSource(source) : source;
  const named = networks?.predictor;
  const predictor =
    typeof named === 'string' && named !== 'shift' ? await runtime.folderSource(named) : (named as CheckpointSource | 'shift');
  const given = predictor === undefined ? {} : { networks: { predictor } };
  const choice = { ...(adapter === undefined ? {} : { adapter }), ...(profile === undefined ? {} : { profile }) };
  return loadPolicyWith(policySource, { ...rest, ...given }, () => runtime.openDevice(choice));
}
