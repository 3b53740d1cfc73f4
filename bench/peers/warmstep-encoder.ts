import { adapterName } from '../../src/cli/load.js';
import { encodedInParts } from '../../src/decision/decision-encoding.js';
import { loadImageEncoder } from '../../src/networks/image-encoder/load.js';
import { openDevice } from '../../src/platform/node/device.js';
import { createBuffer, USAGE } from '../../src/runtime/buffers.js';
import { compilePlan } from '../../src/runtime/compile-plan.js';
import { PlanBuilder } from '../../src/runtime/plan-builder.js';
import { Uploader } from '../../src/runtime/uploader.js';
import { given } from '../../src/terminal/options.js';
import { ENCODE, recordEncoderAlone } from '../../src/tuning/empty-encoder.js';
import type { Engine, EngineSpec } from './engine.js';
import { createPicture, ENCODER_PREFIX, encoderShape, openWeights, type PeerEncoder } from './networks.js';

/** GPUMapMode.READ; the global is not there in every runtime. */
const MAP_READ = 1;
const RUNS = [{ segment: ENCODE }];

/**
 * This engine's image encoder, as `observe()` runs it behind resize and normalisation, which the graphs do not have either. Every run
 * has the upload of the picture and the read-back of its features in it. The planes of a picture become pixels of four channels on
 * the way to the upload: where pictures are bytes, a kernel does that.
 */
export async function openWarmstepEncoder(spec: EngineSpec & { engine: 'warmstep' }, network: PeerEncoder): Promise<Engine> {
  const { precision, adapter, profile } = spec;
  const device = await openDevice({ ...given({ adapter }), profile });
  const uploader = new Uploader(device);
  const weights = await openWeights(network);
  const source = { readFloats: (name: string) => weights.readFloats(ENCODER_PREFIX + name), locate: (name: string) => name };
  const shape = encoderShape(network);
  const encoder = await loadImageEncoder({ source, uploader, precision }, shape, ['']);
  const builder = new PlanBuilder(device);
  const { x, features } = recordEncoderAlone(builder, shape, encoder, 1);
  const plan = await compilePlan(device, builder);
  const { queue } = device.gpuDevice;
  const bytes = features.channels * 4;
  const readback = await createBuffer(device, 'features read-back', bytes, USAGE.mapRead | USAGE.copyDestination);
  const [input, output] = [plan.gpuBuffer(x.buffer), plan.gpuBuffer(features.buffer)];
  const picture = createPicture(network);
  const pixels = new Float32Array(4 * shape.height * shape.width);
  return {
    details: {
      adapter: adapterName(device),
      deviceBytes: uploader.bytes,
      mapBytes: builder.buffers.reduce((sum, buffer) => sum + buffer.bytes, 0),
      dispatches: plan.dispatchCount(ENCODE),
    },
    run: async () => {
      interleave(picture, pixels);
      queue.writeBuffer(input, 0, pixels);
      device.submit(
        encodedInParts(plan, device.gpuDevice.createCommandEncoder({ label: 'encode' }), RUNS, (commands) => {
          commands.copyBufferToBuffer(output, 0, readback, 0, bytes);
          return commands.finish();
        }),
      );
      await device.settle(readback.mapAsync(MAP_READ));
      const values = new Float32Array(readback.getMappedRange().slice(0, bytes));
      readback.unmap();
      return values;
    },
    close: async () => {
      plan.destroy();
      readback.destroy();
      uploader.destroy();
      device.dispose();
    },
  };
}

/** [3][pixels] to [pixels][4]; the fourth channel stays 0. */
function interleave(planes: Float32Array, pixels: Float32Array): void {
  const count = pixels.length / 4;
  for (let channel = 0; channel < 3; channel++) {
    for (let pixel = 0; pixel < count; pixel++) pixels[4 * pixel + channel] = planes[channel * count + pixel] as number;
  }
}
