import { ComputeDevice, type OpenDeviceOptions, type Profile } from '../../runtime/device.js';
import { createGpu, type AdapterChoice } from './gpu.js';
import { chooseProfile } from './profile.js';

export interface OpenNodeDeviceOptions extends OpenDeviceOptions {
  /** Default: the environment variable WARMSTEP_ADAPTER, else `auto`. */
  readonly adapter?: AdapterChoice;
  /** Default: the environment variable WARMSTEP_PROFILE, else `safe`. A given `gpu` is taken as it is. */
  readonly profile?: Profile;
}

/** Opens a device through Dawn. The caller disposes of it. */
export async function openDevice(options: OpenNodeDeviceOptions = {}): Promise<ComputeDevice> {
  if (options.gpu) return ComputeDevice.open(options);
  const profile = chooseProfile(options.profile);
  const gpu = await createGpu(options.adapter, { profile, timing: options.timing ?? false });
  return ComputeDevice.open({ isPolled: true, ...options, gpu, profile });
}
