import { createBuffer, createTexture, isTexture, TEXEL_BYTES, USAGE } from './buffers.js';
import type { ComputeDevice } from './device.js';
import { Plan, type RecordedDispatch, type RecordedSegment } from './plan.js';
import type { BufferHandle, PlanBuilder, Segment } from './plan-builder.js';
import { TEXTURE_WIDTH } from './texture-format.js';

/**
 * Makes a recorded plan real: buffers, pipelines (all in parallel), bind groups.
 * @throws DeviceLimitError, ShaderError.
 * @internal
 */
export async function compilePlan(device: ComputeDevice, builder: PlanBuilder): Promise<Plan> {
  const buffers = new Map<BufferHandle, GPUBuffer | GPUTexture>();
  try {
    const usage = USAGE.storage | USAGE.uniform | USAGE.copySource | USAGE.copyDestination;
    const { shapes } = builder;
    // All at once: the news that there is memory takes a turn of the event loop for each.
    const created = await Promise.allSettled(
      [shapes.buffer, ...builder.buffers].map(async (handle) => {
        const { label, bytes, texture } = handle;
        const rows = Math.ceil(bytes / TEXEL_BYTES / TEXTURE_WIDTH);
        buffers.set(
          handle,
          await (texture ? createTexture(device, label, TEXTURE_WIDTH, rows) : createBuffer(device, label, bytes, usage)),
        );
      }),
    );
    const failed = created.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
    device.gpuDevice.queue.writeBuffer(buffers.get(shapes.buffer) as GPUBuffer, 0, shapes.words);
    const compiled = builder.segments.map(async (segment): Promise<[string, RecordedSegment]> => {
      const dispatches = await recordSegment(device, segment, buffers);
      return [segment.name, { dispatches, probes: segment.probes }];
    });
    const segments = new Map(await device.settle(Promise.all(compiled)));
    return new Plan(device, buffers, segments, builder.offsets);
  } catch (error) {
    for (const buffer of buffers.values()) buffer.destroy();
    throw error;
  }
}

async function recordSegment(
  device: ComputeDevice,
  segment: Segment,
  buffers: ReadonlyMap<BufferHandle, GPUBuffer | GPUTexture>,
): Promise<RecordedDispatch[]> {
  return Promise.all(
    segment.dispatches.map(async ({ kernel, bindings, workgroups }) => {
      const { pipeline, bindGroupLayout } = await device.pipelines.get(kernel);
      const entries = bindings.map(({ buffer: handle, offset, bytes }, binding) => {
        const buffer = handle.existing ?? buffers.get(handle);
        if (!buffer) throw new TypeError(`${kernel.label}: buffer "${handle.label}" belongs to another plan`);
        if (isTexture(buffer)) return { binding, size: handle.bytes, resource: buffer.createView() };
        const size = bytes ?? buffer.size - (offset ?? 0);
        return { binding, size, resource: { buffer, offset: offset ?? 0, size } };
      });
      device.gpuDevice.pushErrorScope('validation');
      const bindGroup = device.gpuDevice.createBindGroup({ label: kernel.label, layout: bindGroupLayout, entries });
      const error = await device.gpuDevice.popErrorScope();
      if (error) throw new TypeError(`${kernel.label}: ${error.message}`);
      const dynamic = bindings.flatMap(({ stepOffset }) => (stepOffset === undefined ? [] : [stepOffset]));
      const boundBytes = entries.reduce((sum, { size }) => sum + size, 0);
      const weightBytes = entries.reduce((sum, { size, binding }) => sum + (bindings[binding]?.buffer.existing ? size : 0), 0);
      return { label: kernel.label, boundBytes, weightBytes, pipeline, bindGroup, workgroups, dynamic };
    }),
  );
}
