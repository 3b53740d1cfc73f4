import { ComputeDevice, type OpenDeviceOptions } from '../../runtime/device.js';
import { createGpu, type AdapterChoice } from './gpu.js';

export interface OpenNodeDeviceOptions extends OpenDeviceOptions {
  /** Default: the environment variable WARMSTEP_ADAPTER, else `auto`. */
  readonly adapter?: AdapterChoice;
}

/** Opens a device through Dawn. The caller disposes of it. */
export async function openDevice(options: OpenNodeDeviceOptions = {}): Promise<ComputeDevice> {
  const gpu = options.gpu ?? (await createGpu(options.adapter));
  return ComputeDevice.open({ ...options, gpu });
}
