import { DeviceLimitError } from '../errors.js';
import type { ComputeDevice } from './device.js';

/** GPUBufferUsage by name; the global is not there in every runtime. */
export const USAGE = { mapRead: 0x1, copySource: 0x4, copyDestination: 0x8, uniform: 0x40, storage: 0x80 } as const;

/** Offsets of storage and uniform bindings are multiples of this on every device. */
export const OFFSET_ALIGNMENT = 256;

export function alignUp(value: number, alignment: number): number {
  return Math.ceil(value / alignment) * alignment;
}

/**
 * Creates a zeroed buffer.
 * @throws DeviceLimitError when the device's limits or its memory are too small.
 */
export async function createBuffer(
  device: ComputeDevice,
  label: string,
  bytes: number,
  usage: number,
): Promise<GPUBuffer> {
  device.assertUsable();
  const size = alignUp(Math.max(bytes, 16), 16);
  const { maxBufferSize, maxStorageBufferBindingSize } = device.limits;
  const limit = usage & USAGE.storage ? Math.min(maxBufferSize, maxStorageBufferBindingSize) : maxBufferSize;
  if (size > limit) {
    const name = limit === maxBufferSize ? 'maxBufferSize' : 'maxStorageBufferBindingSize';
    throw new DeviceLimitError(
      `buffer "${label}" needs ${size} bytes, the limit ${name} of adapter "${device.adapter.description}" is ${limit}. ` +
        'Use an adapter with a larger limit. Smaller batches, f16 weights and fewer training timesteps need smaller buffers.',
    );
  }
  device.gpuDevice.pushErrorScope('out-of-memory');
  device.gpuDevice.pushErrorScope('validation');
  const buffer = device.gpuDevice.createBuffer({ label, size, usage });
  const errors = Promise.all([device.gpuDevice.popErrorScope(), device.gpuDevice.popErrorScope()]);
  const error = (await device.settle(errors)).find((found) => found !== null);
  if (error) {
    throw new DeviceLimitError(`buffer "${label}" of ${size} bytes could not be created: ${error.message || 'out of memory'}`);
  }
  return buffer;
}
