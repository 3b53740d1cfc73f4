import { createBuffer, MAP_READ, USAGE } from './buffers.js';
import type { ComputeDevice } from './device.js';

/**
 * What a buffer holds once all that was submitted before has run; `read` sees the bytes and copies what it keeps. `what`: the contents, for labels
 * and errors. @throws DeviceLimitError where there is no room for the copy; what `device.settle` throws.
 */
export async function readBack<T>(device: ComputeDevice, what: string, buffer: GPUBuffer, read: (bytes: ArrayBuffer) => T): Promise<T> {
  const { gpuDevice } = device;
  const copy = await createBuffer(device, `read-back of ${what}`, buffer.size, USAGE.mapRead | USAGE.copyDestination);
  try {
    const encoder = gpuDevice.createCommandEncoder({ label: `read ${what}` });
    encoder.copyBufferToBuffer(buffer, 0, copy, 0, buffer.size);
    gpuDevice.queue.submit([encoder.finish()]);
    await device.settle(copy.mapAsync(MAP_READ));
    return read(copy.getMappedRange());
  } finally {
    copy.destroy();
  }
}
