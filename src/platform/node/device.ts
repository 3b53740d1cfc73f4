import { setImmediate } from 'node:timers';
import { ComputeDevice, checkOpenOptions } from '../../runtime/device.js';
import type { OpenDeviceOptions } from '../options.js';
import { createGpu, forgetGpu } from './gpu.js';
import { chooseProfile } from './profile.js';
import { chooseVariants } from './variants.js';

/**
 * Opens a device through Dawn. The caller disposes of it.
 * What `warmstep tune` stored and cannot be used is a warning of the device.
 * @throws as ComputeDevice.open.
 */
export async function openDevice(options: OpenDeviceOptions = {}): Promise<ComputeDevice> {
  checkOpenOptions(options, ['adapter']);
  const { variants: choice, adapter, ...rest } = options;
  const variants = chooseVariants(choice);
  const tables = variants === undefined ? {} : { variants };
  if (options.gpu) return ComputeDevice.open({ ...rest, ...tables });
  const profile = chooseProfile(options.profile);
  const gpu = await createGpu(adapter, { profile, timing: options.timing ?? false });
  const device = await ComputeDevice.open({ isPolled: true, inLaterTurn: setImmediate, ...rest, ...tables, gpu, profile });
  void device.gpuDevice.lost.then(({ reason }) => {
    if (reason !== 'destroyed') forgetGpu(gpu);
  });
  return device;
}
