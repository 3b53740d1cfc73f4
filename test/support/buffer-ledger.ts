import type { ComputeDevice } from '../../src/runtime/device.js';

/** What lives on a device, by its own account. */
export interface DeviceHoldings {
  readonly buffers: number;
  readonly bytes: number;
}

/**
 * Counts the buffers of a device from here on: those that it makes, less those that are destroyed. A buffer that is left to the collector of
 * garbage counts as held.
 */
export function countBuffers({ gpuDevice }: ComputeDevice): () => DeviceHoldings {
  const create = gpuDevice.createBuffer.bind(gpuDevice);
  let buffers = 0;
  let bytes = 0;
  gpuDevice.createBuffer = (descriptor) => {
    const buffer = create(descriptor);
    const destroy = buffer.destroy.bind(buffer);
    let isHeld = true;
    buffers++;
    bytes += descriptor.size;
    buffer.destroy = () => {
      if (isHeld) {
        buffers--;
        bytes -= descriptor.size;
      }
      isHeld = false;
      return destroy();
    };
    return buffer;
  };
  return () => ({ buffers, bytes });
}
