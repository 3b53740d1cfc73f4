import { DeviceLimitError } from '../../src/foundation/errors.js';
import { alignUp, OFFSET_ALIGNMENT, USAGE } from '../../src/runtime/buffers.js';
import type { ComputeDevice } from '../../src/runtime/device.js';
import type { Binding, PlanBuilder } from '../../src/runtime/plan-builder.js';
import { type Contents, contentsOf, fillBuffers } from './fill.js';

/** Larger than the last-level cache: 50 MB on an H100, 32 MB on a server CPU, which a software adapter computes on. */
const GPU_BYTES = 512 << 20;
const SOFTWARE_BYTES = 192 << 20;

/**
 * Memory that stands for the weights of a network. A dispatch repeated over the same weights would find them in a cache,
 * in a decision it never does: so repetitions take turns with different parts of a buffer that fits in no cache.
 */
export class Arena {
  readonly #device: ComputeDevice;
  readonly #buffers = new Map<Contents, Promise<GPUBuffer>>();
  readonly bytes: number;

  /** `bytes`: default by the class of the device. */
  constructor(device: ComputeDevice, bytes = device.deviceClass === 'gpu' ? GPU_BYTES : SOFTWARE_BYTES) {
    this.#device = device;
    this.bytes = Math.min(bytes, device.limits.maxBufferSize);
  }

  /** Part number `turn` of `bytes` bytes, for a variable of WGSL type `type`. */
  async slice(
    builder: PlanBuilder,
    type: string,
    bytes: number,
    turn: number,
  ): Promise<Required<Pick<Binding, 'buffer' | 'offset' | 'bytes'>>> {
    const stride = alignUp(bytes, OFFSET_ALIGNMENT);
    const places = Math.max(1, Math.floor(this.bytes / stride));
    return { buffer: builder.existing(await this.#buffer(contentsOf(type))), offset: (turn % places) * stride, bytes };
  }

  async destroy(): Promise<void> {
    for (const buffer of this.#buffers.values()) (await buffer).destroy();
    this.#buffers.clear();
  }

  #buffer(contents: Contents): Promise<GPUBuffer> {
    let buffer = this.#buffers.get(contents);
    if (!buffer) {
      buffer = this.#create(contents);
      this.#buffers.set(contents, buffer);
    }
    return buffer;
  }

  async #create(contents: Contents): Promise<GPUBuffer> {
    const buffer = await createArenaBuffer(this.#device, `arena of ${contents}`, this.bytes);
    await fillBuffers(this.#device, [{ buffer, type: contents === 'floats' ? 'f32' : 'u32' }]);
    return buffer;
  }
}

/** No binding covers the arena as a whole, so only the size of buffers limits it, not that of bindings. */
async function createArenaBuffer(device: ComputeDevice, label: string, bytes: number): Promise<GPUBuffer> {
  device.gpuDevice.pushErrorScope('out-of-memory');
  const usage = USAGE.storage | USAGE.uniform | USAGE.copyDestination;
  const buffer = device.gpuDevice.createBuffer({ label, size: alignUp(bytes, 16), usage });
  const error = await device.settle(device.gpuDevice.popErrorScope());
  if (error) {
    throw new DeviceLimitError(
      `buffer "${label}" of ${bytes} bytes could not be created on adapter "${device.adapter.description}": ` +
        `${error.message || 'out of memory'}. Close what else uses the adapter's memory.`,
    );
  }
  return buffer;
}
