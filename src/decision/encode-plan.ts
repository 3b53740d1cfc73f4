import type { FrameFormat } from '../../kernels/image/prepare-frames.wgsl.js';
import { recordImageEncoder } from '../networks/image-encoder/record.js';
import { encoderFeatures } from '../networks/image-encoder/shape.js';
import type { Picture } from '../observations/picture.js';
import { frameBytes, recordPrepareFrames } from '../ops/frames.js';
import { createBuffer, USAGE } from '../runtime/buffers.js';
import { compilePlan } from '../runtime/compile-plan.js';
import type { ComputeDevice } from '../runtime/device.js';
import { channelsFirstValues, featureMap } from '../runtime/feature-map.js';
import type { Plan } from '../runtime/plan.js';
import { PlanBuilder } from '../runtime/plan-builder.js';
import { ProbeBuffer } from '../runtime/probes.js';
import { tokens } from '../runtime/tensor.js';
import { encoderMap, type ImageEncoderShape } from '../spec/network-shapes.js';
import type { ImageNetworks, PolicyNetworks } from './networks.js';

/** GPUMapMode.READ; the global is not there in every runtime. */
const MAP_READ = 1;
const SEGMENT = 'encode';
const RUNS = [{ segment: SEGMENT }];

/** What an encode plan is compiled for. */
export interface EncodeShape {
  readonly format: FrameFormat;
  /** Frames that are encoded together, each with a picture of every camera. */
  readonly frames: number;
}

export interface EncodedPictures {
  /** f32 [camera][frame][features]. */
  readonly features: Float32Array;
  /** Inner values that were asked for, of the first frame of each camera: maps as [channels][height][width]. */
  readonly probes: ReadonlyMap<string, Float32Array>;
}

/** What encodes frames of one shape. */
export interface FramesPlan {
  /** `pictures`: those of the first camera, then those of the next. Calls must not overlap. */
  run(pictures: readonly Picture[]): Promise<EncodedPictures>;
  /** Runs once on anything: some drivers compile a kernel when it first runs. */
  rehearse(): Promise<void>;
  destroy(): void;
}

/** Makes plans for the images of a policy. */
export interface EncodePlans {
  /** Frames of a plan at most, a power of two. */
  readonly mostFrames: number;
  /** @throws DeviceLimitError, ShaderError. */
  compile(shape: EncodeShape): Promise<FramesPlan>;
}

/** More frames at a time save nothing, and their maps only take memory. */
const MOST_FRAMES = 16;

/** Undefined for a policy without images. `probes`: inner values to hand out, of those that the policy was loaded with. */
export function encodePlans(
  { device, images }: Pick<PolicyNetworks, 'device' | 'images'>,
  probes: readonly string[],
): EncodePlans | undefined {
  if (!images) return undefined;
  const { preparation, cameras } = images;
  const map = encoderMap('backbone.0', preparation) as { channels: number; height: number; width: number };
  const bytes = cameras * map.channels * map.height * map.width * 4;
  // The first map of a backbone is the largest that is bound.
  const fitting = Math.max(1, Math.floor(device.limits.maxStorageBufferBindingSize / bytes));
  const wanted = probes.filter((name) => name.startsWith('encoder.'));
  return {
    mostFrames: Math.min(MOST_FRAMES, 2 ** Math.floor(Math.log2(fitting))),
    compile: (shape) => EncodePlan.compile(device, images, shape, wanted),
  };
}

interface EncodeParts {
  readonly shape: EncodeShape;
  readonly plan: Plan;
  readonly inputs: GPUBuffer;
  readonly features: GPUBuffer;
  readonly featureBytes: number;
  /** From one picture to the next in `inputs`. */
  readonly pictureBytes: number;
  readonly readback: GPUBuffer;
  readonly wantsProbes: boolean;
  readonly encoder: ImageEncoderShape;
}

/**
 * The recorded encoder run for one number of frames: pictures go up, features come back. Run again and again it creates nothing on the
 * device.
 */
class EncodePlan implements FramesPlan {
  readonly #device: ComputeDevice;
  readonly #parts: EncodeParts;

  private constructor(device: ComputeDevice, parts: EncodeParts) {
    this.#device = device;
    this.#parts = parts;
  }

  static async compile(device: ComputeDevice, images: ImageNetworks, shape: EncodeShape, probes: readonly string[]): Promise<EncodePlan> {
    const { preparation, encoder, statistics, cameras } = images;
    const count = cameras * shape.frames;
    const builder = new PlanBuilder(device, new Set(probes));
    builder.segment(SEGMENT);
    const pictureBytes = frameBytes(shape.format, preparation.geometry.frame);
    const inputs = builder.buffer('pictures', count * pictureBytes);
    const { height, width } = preparation;
    const prepared = featureMap(builder, 'prepared pictures', { batch: count, channels: 3, height, width });
    recordPrepareFrames(builder, preparation, {
      frames: { buffer: inputs, offset: 0, bytes: inputs.bytes },
      format: shape.format,
      statistics,
      cameras,
      y: prepared,
    });
    const features = tokens(builder, 'image features', count, 1, encoderFeatures(encoder.shape));
    recordImageEncoder(builder, encoder, cameras, prepared, features);
    const plan = await compilePlan(device, builder);
    const featureBytes = count * encoderFeatures(encoder.shape) * 4;
    try {
      const readback = await createBuffer(device, 'features read-back', featureBytes, USAGE.mapRead | USAGE.copyDestination);
      return new EncodePlan(device, {
        shape,
        plan,
        inputs: plan.gpuBuffer(inputs),
        features: plan.gpuBuffer(features.buffer),
        featureBytes,
        pictureBytes,
        readback,
        wantsProbes: plan.probeBytes(RUNS) > 0,
        encoder: encoder.shape,
      });
    } catch (error) {
      plan.destroy();
      throw error;
    }
  }

  async run(pictures: readonly Picture[]): Promise<EncodedPictures> {
    const { plan, inputs, features, featureBytes, pictureBytes, readback, wantsProbes } = this.#parts;
    const { queue } = this.#device.gpuDevice;
    this.#device.assertUsable();
    // Each from its own bytes: a copy on the host would cost as much as the upload.
    pictures.forEach(({ bytes }, i) => queue.writeBuffer(inputs, i * pictureBytes, bytes));
    const commands = this.#device.gpuDevice.createCommandEncoder({ label: 'encode' });
    const probed = wantsProbes ? await this.#probeBuffer() : undefined;
    plan.encode(commands, RUNS, probed);
    commands.copyBufferToBuffer(features, 0, readback, 0, featureBytes);
    queue.submit([commands.finish()]);
    await this.#device.settle(readback.mapAsync(MAP_READ));
    const values = new Float32Array(readback.getMappedRange().slice(0, featureBytes));
    readback.unmap();
    return { features: values, probes: probed ? await this.#readProbes(probed) : new Map() };
  }

  async rehearse(): Promise<void> {
    const commands = this.#device.gpuDevice.createCommandEncoder({ label: 'encode' });
    this.#parts.plan.encode(commands, RUNS);
    const { queue } = this.#device.gpuDevice;
    queue.submit([commands.finish()]);
    await this.#device.settle(queue.onSubmittedWorkDone());
  }

  destroy(): void {
    this.#parts.plan.destroy();
    this.#parts.readback.destroy();
  }

  async #probeBuffer(): Promise<ProbeBuffer> {
    const bytes = this.#parts.plan.probeBytes(RUNS);
    return new ProbeBuffer(await createBuffer(this.#device, 'encoder probes', bytes, USAGE.mapRead | USAGE.copyDestination));
  }

  async #readProbes(probed: ProbeBuffer): Promise<Map<string, Float32Array>> {
    await this.#device.settle(probed.buffer.mapAsync(MAP_READ));
    const values = probed.read(probed.buffer.getMappedRange());
    probed.buffer.destroy();
    return new Map([...values].map(([name, all]) => [name, this.#firstFrame(name, all)]));
  }

  #firstFrame(name: string, values: Float32Array): Float32Array {
    const { shape, encoder } = this.#parts;
    const own = values.subarray(0, values.length / shape.frames);
    const map = encoderMap(name.replace(/^encoder\.\d+\./, ''), encoder);
    return map ? channelsFirstValues({ batch: 1, ...map }, own) : own;
  }
}
