import { setImmediate } from 'node:timers';
import { ComputeDevice, type OpenDeviceOptions, type Profile } from '../../runtime/device.js';
import { type AdapterChoice, createGpu } from './gpu.js';
import { chooseProfile } from './profile.js';
import { chooseVariants, type VariantsChoice } from './variants.js';

export interface OpenNodeDeviceOptions extends Omit<OpenDeviceOptions, 'variants'> {
  /** Default: the environment variable WARMSTEP_ADAPTER, else `auto`. */
  readonly adapter?: AdapterChoice;
  /** Default: the environment variable WARMSTEP_PROFILE, else `safe`. A given `gpu` is taken as it is. */
  readonly profile?: Profile;
  /**
   * 'tuned': what `warmstep tune` stored for the adapter, if it did; 'shipped': never; or a table. Default: the environment
   * variable WARMSTEP_VARIANTS, else 'tuned'.
   */
  readonly variants?: VariantsChoice;
}

/**
 * Opens a device through Dawn. The caller disposes of it.
 * @throws as ComputeDevice.open; OptionError where the stored table of variants is damaged.
 */
export async function openDevice(options: OpenNodeDeviceOptions = {}): Promise<ComputeDevice> {
  const { variants: choice, ...rest } = options;
  const variants = chooseVariants(choice);
  const tables = variants === undefined ? {} : { variants };
  if (options.gpu) return ComputeDevice.open({ ...rest, ...tables });
  const profile = chooseProfile(options.profile);
  const gpu = await createGpu(options.adapter, { profile, timing: options.timing ?? false });
  return ComputeDevice.open({ isPolled: true, inLaterTurn: setImmediate, ...rest, ...tables, gpu, profile });
}
