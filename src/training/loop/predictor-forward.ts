import { loadPredictor, recordPredictor } from '../../networks/predictor/predictor.js';
import { createBuffer, USAGE } from '../../runtime/buffers.js';
import { compilePlan } from '../../runtime/compile-plan.js';
import type { ComputeDevice } from '../../runtime/device.js';
import { PlanBuilder } from '../../runtime/plan-builder.js';
import { type Tensor, tokens } from '../../runtime/tensor.js';
import { Uploader } from '../../runtime/uploader.js';
import type { PredictorShape } from '../../spec/network-shapes.js';

const MAP_MODE_READ = 1; // GPUMapMode.READ; the global is not there in every runtime.

/** Predictions of one batch size, by the very dispatches that decisions are made with. */
export interface PredictorForward {
  readonly batchSize: number;
  /** previous f32 [batch][H][D], observation f32 [batch][To][O] → f32 [batch][H][D], all normalised. */
  predict(previous: Float32Array, observation: Float32Array): Promise<Float32Array>;
  destroy(): void;
}

/** Brings a predictor to the device as a policy would. `weights`: all of its tensors by name, position tables included. */
export async function predictorForward(
  device: ComputeDevice,
  shape: PredictorShape,
  weights: ReadonlyMap<string, Float32Array>,
  batchSize: number,
): Promise<PredictorForward> {
  const uploader = new Uploader(device);
  try {
    const source = {
      readFloats: async (name: string) => weights.get(name) as Float32Array,
      locate: (name: string) => `tensor "${name}" of the trained predictor`,
    };
    const predictor = await loadPredictor({ source, uploader, precision: 'f32' }, shape);
    const builder = new PlanBuilder(device);
    builder.segment('predict');
    const previous = tokens(builder, 'previous chunk', batchSize, shape.horizon, shape.actionDim);
    const observation = tokens(builder, 'observation', batchSize, shape.observationSteps, shape.observationDim);
    const prediction = tokens(builder, 'prediction', batchSize, shape.horizon, shape.actionDim);
    recordPredictor(builder, predictor, previous, observation, prediction);
    const plan = await compilePlan(device, builder);
    return {
      batchSize,
      predict: async (...inputs) => {
        const { queue } = device.gpuDevice;
        const bytes = sizeOf(prediction) * 4;
        [previous, observation].forEach((tensor, i) =>
          queue.writeBuffer(plan.gpuBuffer(tensor.buffer), 0, (inputs[i] as Float32Array<ArrayBuffer>).slice(0, sizeOf(tensor))),
        );
        const readback = await createBuffer(device, 'read-back of predictions', bytes, USAGE.mapRead | USAGE.copyDestination);
        try {
          const encoder = device.gpuDevice.createCommandEncoder({ label: 'predict' });
          plan.encode(encoder, [{ segment: 'predict' }]);
          encoder.copyBufferToBuffer(plan.gpuBuffer(prediction.buffer), 0, readback, 0, bytes);
          queue.submit([encoder.finish()]);
          await device.settle(readback.mapAsync(MAP_MODE_READ));
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
