import { DeviceLimitError } from '../foundation/errors.js';
import { inOneLine } from '../foundation/visible.js';
import type { ComputeDevice } from './device.js';
import { TEXTURE_FORMAT } from './texture-format.js';

/** GPUBufferUsage by name; the global is not there in every runtime. */
export const USAGE = { mapRead: 0x1, copySource: 0x4, copyDestination: 0x8, uniform: 0x40, storage: 0x80 } as const;

/** GPUMapMode.READ. */
export const MAP_READ = 0x1;

/** GPUTextureUsage by name. */
const TEXTURE_USAGE = { copySource: 0x1, copyDestination: 0x2, storage: 0x8 } as const;

/** Offsets of storage and uniform bindings are multiples of this on every device. */
export const OFFSET_ALIGNMENT = 256;

/** WebGPU's default for maxUniformBufferBindingSize, granted everywhere. */
export const UNIFORM_BINDING_BYTES = 65_536;

/** Bytes of a texel of TEXTURE_FORMAT. */
export const TEXEL_BYTES = 16;

/** Whether a resource is a texture; in every runtime only these make views. */
export function isTexture(resource: GPUBuffer | GPUTexture): resource is GPUTexture {
  return 'createView' in resource;
}

export function alignUp(value: number, alignment: number): number {
  return Math.ceil(value / alignment) * alignment;
}

/**
 * Creates a zeroed buffer.
 * @throws DeviceLimitError when the device's limits or its memory are too small.
 */
export async function createBuffer(device: ComputeDevice, label: string, bytes: number, usage: number): Promise<GPUBuffer> {
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
  return createChecked(device, `buffer "${label}" of ${size} bytes`, () => device.gpuDevice.createBuffer({ label, size, usage }));
}

/**
 * Creates a zeroed texture of words, rgba32uint, for kernels to load from and to store to.
 * @throws DeviceLimitError as createBuffer.
 */
export async function createTexture(device: ComputeDevice, label: string, width: number, height: number): Promise<GPUTexture> {
  const limit = device.limits.maxTextureDimension2D;
  if (width > limit || height > limit) {
    throw new DeviceLimitError(
      `texture "${label}" needs ${width} × ${height} texels, the limit maxTextureDimension2D of adapter "${device.adapter.description}" is ${limit}.`,
    );
  }
  const descriptor: GPUTextureDescriptor = {
    label,
    size: [width, height],
    format: TEXTURE_FORMAT,
    usage: TEXTURE_USAGE.storage | TEXTURE_USAGE.copyDestination | TEXTURE_USAGE.copySource,
  };
  return createChecked(device, `texture "${label}" of ${width} × ${height} texels`, () => device.gpuDevice.createTexture(descriptor));
}

async function createChecked<T>(device: ComputeDevice, what: string, create: () => T): Promise<T> {
  device.assertUsable();
  device.gpuDevice.pushErrorScope('out-of-memory');
  device.gpuDevice.pushErrorScope('validation');
  const resource = create();
  const errors = Promise.all([device.gpuDevice.popErrorScope(), device.gpuDevice.popErrorScope()]);
  const error = (await device.settle(errors)).find((found) => found !== null);
  if (error) throw new DeviceLimitError(`${what} could not be created: ${inOneLine(error.message) || 'out of memory'}`);
  return resource;
}
