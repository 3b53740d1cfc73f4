import type { WeightLoader } from '../../ops/weight-source.js';
import { createBuffer, MAP_READ, USAGE } from '../../runtime/buffers.js';
import { compilePlan } from '../../runtime/compile-plan.js';
import type { ComputeDevice } from '../../runtime/device.js';
import { type BufferHandle, PlanBuilder } from '../../runtime/plan-builder.js';
import type { Tensor } from '../../runtime/tensor.js';
import { Uploader } from '../../runtime/uploader.js';

const SEGMENT = 'predict';

/** A trained network as it is recorded for decisions: what goes in, f32 in the order of its tensors or bytes of a buffer, and what comes out. */
export interface RecordedForward {
  readonly inputs: readonly (Tensor | BufferHandle)[];
  readonly prediction: Tensor;
}

export interface ForwardPlan {
  run(...inputs: readonly (Float32Array | Uint8Array)[]): Promise<Float32Array>;
  destroy(): void;
}

/**
 * Compiles a trained network for predictions, by the very dispatches that decisions are made with.
 * `weights`: all of its tensors by name; `what`: e.g. "predictor".
 */
export async function forwardPlan(
  device: ComputeDevice,
  what: string,
  weights: ReadonlyMap<string, Float32Array>,
  record: (builder: PlanBuilder, loader: WeightLoader) => Promise<RecordedForward>,
): Promise<ForwardPlan> {
  const uploader = new Uploader(device);
  try {
    const source = {
      readFloats: async (name: string) => weights.get(name) as Float32Array,
      locate: (name: string) => `tensor "${name}" of the trained ${what}`,
    };
    const builder = new PlanBuilder(device);
    builder.segment(SEGMENT);
    const { inputs, prediction } = await record(builder, { source, uploader, precision: 'f32' });
    const plan = await compilePlan(device, builder);
    return {
      run: async (...values) => {
        const { queue } = device.gpuDevice;
        const bytes = sizeOf(prediction) * 4;
        inputs.forEach((input, i) => {
          const [buffer, size] = 'buffer' in input ? [input.buffer, sizeOf(input)] : [input, input.bytes];
          queue.writeBuffer(plan.gpuBuffer(buffer), 0, (values[i] as Float32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>).slice(0, size));
        });
        const readback = await createBuffer(device, 'read-back of predictions', bytes, USAGE.mapRead | USAGE.copyDestination);
        try {
          const encoder = device.gpuDevice.createCommandEncoder({ label: SEGMENT });
          plan.encode(encoder, [{ segment: SEGMENT }]);
          encoder.copyBufferToBuffer(plan.gpuBuffer(prediction.buffer), 0, readback, 0, bytes);
          queue.submit([encoder.finish()]);
          await device.settle(readback.mapAsync(MAP_READ));
          return new Float32Array(readback.getMappedRange().slice(0, bytes));
        } finally {
          readback.destroy();
        }
      },
      destroy: () => {
        plan.destroy();
        uploader.destroy();
      },
    };
  } catch (error) {
    uploader.destroy();
    throw error;
  }
}

function sizeOf({ batch, length, channels }: Tensor): number {
  return batch * length * channels;
}
