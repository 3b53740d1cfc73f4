import { createBuffer, MAP_READ, USAGE } from './buffers.js';
import { compilePlan } from './compile-plan.js';
import type { ComputeDevice } from './device.js';
import type { BufferHandle, PlanBuilder } from './plan-builder.js';

/**
 * Compiles what was recorded in one segment, writes the inputs, runs it once and returns the bytes of `output`. For checks
 * of a device: a policy compiles its plan once and replays it.
 */
export async function runOnce(
  device: ComputeDevice,
  builder: PlanBuilder,
  segment: string,
  inputs: readonly (readonly [BufferHandle, Uint32Array<ArrayBuffer> | Float32Array<ArrayBuffer>])[],
  output: BufferHandle,
): Promise<ArrayBuffer> {
  const plan = await compilePlan(device, builder);
  try {
    const readback = await createBuffer(device, `read-back of ${output.label}`, output.bytes, USAGE.mapRead | USAGE.copyDestination);
    try {
      const { queue } = device.gpuDevice;
      for (const [buffer, words] of inputs) queue.writeBuffer(plan.gpuBuffer(buffer), 0, words);
      const encoder = device.gpuDevice.createCommandEncoder({ label: segment });
      plan.encode(encoder, [{ segment }]);
      encoder.copyBufferToBuffer(plan.gpuBuffer(output), 0, readback, 0, output.bytes);
      queue.submit([encoder.finish()]);
      await device.settle(readback.mapAsync(MAP_READ));
      return readback.getMappedRange().slice(0, output.bytes);
    } finally {
      readback.destroy();
    }
  } finally {
    plan.destroy();
  }
}
