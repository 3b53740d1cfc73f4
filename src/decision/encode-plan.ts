import type { Picture } from '../observations/picture.js';
import { recordCastRays } from '../ops/cast-rays.js';
import { type FramePreparation, frameBytes, frameTables, preparedSides, recordPrepareFrames, sourceSides } from '../ops/frames.js';
import { alignUp, createBuffer, MAP_READ, OFFSET_ALIGNMENT, USAGE } from '../runtime/buffers.js';
import { compilePlan } from '../runtime/compile-plan.js';
import type { ComputeDevice } from '../runtime/device.js';
import { channelsFirstValues, featureMap, mapElements } from '../runtime/feature-map.js';
import type { Plan } from '../runtime/plan.js';
import { type BufferHandle, PlanBuilder } from '../runtime/plan-builder.js';
import { ProbeBuffer } from '../runtime/probes.js';
import { tokens } from '../runtime/tensor.js';
import { encodedInParts } from './decision-encoding.js';
import {
  type CameraFormat,
  cameraKey,
  type EncodedPictures,
  type EncodePlans,
  type EncodeShape,
  type FeatureOutput,
  type FramesPlan,
  readOutputs,
} from './frames-plan.js';
import type { ImageNetworks, PictureNetwork } from './picture-networks.js';

const SEGMENT = 'encode';
const RUNS = [{ segment: SEGMENT }];

/** More frames at a time save nothing, and their maps only take memory. */
const MOST_FRAMES = 16;

/** `probes`: inner values to hand out, of those that the policy was loaded with. */
export function encodePlans(device: ComputeDevice, images: ImageNetworks, probes: readonly string[]): EncodePlans {
  const { networks, cameras } = images;
  const mapBytes = ({ largestMap }: PictureNetwork): number => cameras * mapElements({ batch: 1, ...largestMap }) * 4;
  const fitting = Math.max(1, Math.floor(device.limits.maxStorageBufferBindingSize / Math.max(...networks.map(mapBytes))));
  const wanted = probes.filter((name) => networks.some((network) => name.startsWith(network.probes)));
  return {
    mostFrames: Math.min(MOST_FRAMES, 2 ** Math.floor(Math.log2(fitting))),
    compile: (shape) => EncodePlan.compile(device, images, shape, wanted),
  };
}

/** Pictures of cameras that arrive alike, as one stretch of what goes up. */
interface Stretch extends CameraFormat {
  readonly firstCamera: number;
  readonly cameras: number;
  readonly offset: number;
  /** From one picture to the next. */
  readonly pictureBytes: number;
  /** Where the scenes of drawn pictures begin, and from one to the next: 0 where there are none. */
  readonly sceneOffset: number;
  readonly sceneBytes: number;
}

interface EncodeParts {
  readonly shape: EncodeShape;
  readonly plan: Plan;
  readonly networks: readonly PictureNetwork[];
  /** Where each picture goes: its bytes, or its scene. */
  readonly targets: readonly { readonly buffer: GPUBuffer; readonly offset: number }[];
  readonly outputs: readonly FeatureOutput[];
  readonly readback: GPUBuffer;
}

/**
 * The recorded encoders run for one number of frames: pictures go up, features come back. Run again and again it creates nothing on the
 * device.
 */
class EncodePlan implements FramesPlan {
  readonly #device: ComputeDevice;
  readonly #parts: EncodeParts;

  private constructor(device: ComputeDevice, parts: EncodeParts) {
    this.#device = device;
    this.#parts = parts;
  }

  static async compile(
    device: ComputeDevice,
    { networks, cameras }: ImageNetworks,
    shape: EncodeShape,
    probes: readonly string[],
  ): Promise<EncodePlan> {
    const { frames } = shape;
    const { frame } = (networks[0] as PictureNetwork).geometry;
    const builder = new PlanBuilder(device, new Set(probes));
    builder.segment(SEGMENT);
    const stretches = stretchesOf(shape, frame);
    const last = stretches.at(-1) as Stretch;
    const inputs = builder.buffer('pictures', last.offset + last.pictureBytes * last.cameras * frames);
    const sceneBytes = last.sceneOffset + last.sceneBytes * last.cameras * frames;
    const scenes = sceneBytes === 0 ? undefined : builder.buffer('scenes', sceneBytes);
    if (scenes) for (const stretch of stretches) recordDrawing(builder, stretch, stretch.cameras * frames, scenes, inputs, frame);
    const tables: { readonly buffer: BufferHandle; readonly entries: Float32Array<ArrayBuffer> }[] = [];
    const features = networks.map((network) => {
      const [height, width] = preparedSides(network.geometry);
      const count = cameras * frames;
      const prepared = featureMap(builder, 'prepared pictures', { batch: count, channels: 3, height, width });
      for (const { format, source, firstCamera, cameras: alike, offset, pictureBytes } of stretches) {
        recordPrepareFrames(builder, prepare(builder, { ...network.geometry, source }, tables), {
          frames: { buffer: inputs, offset, bytes: pictureBytes * alike * frames },
          format,
          statistics: network.statistics,
          cameras,
          y: prepared,
          first: firstCamera * frames,
          count: alike * frames,
        });
      }
      const made = tokens(builder, 'image features', count, 1, network.features);
      network.record(builder, cameras, prepared, made);
      return { buffer: made.buffer, bytes: count * network.features * 4 };
    });
    const plan = await compilePlan(device, builder);
    try {
      for (const { buffer, entries } of tables) device.gpuDevice.queue.writeBuffer(plan.gpuBuffer(buffer), 0, entries);
      const bytes = features.reduce((sum, output) => sum + output.bytes, 0);
      return new EncodePlan(device, {
        shape,
        plan,
        networks,
        targets: stretches.flatMap(({ cameras: alike, offset, pictureBytes, sceneOffset, sceneBytes }) => {
          const isDrawn = scenes && sceneBytes > 0;
          const buffer = plan.gpuBuffer(isDrawn ? scenes : inputs);
          const [first, step] = isDrawn ? [sceneOffset, sceneBytes] : [offset, pictureBytes];
          return Array.from({ length: alike * frames }, (_, i) => ({ buffer, offset: first + i * step }));
        }),
        outputs: features.map((output) => ({ ...output, buffer: plan.gpuBuffer(output.buffer) })),
        readback: await createBuffer(device, 'features read-back', bytes, USAGE.mapRead | USAGE.copyDestination),
      });
    } catch (error) {
      plan.destroy();
      throw error;
    }
  }

  get outputs(): readonly FeatureOutput[] {
    return this.#parts.outputs;
  }

  get isProbed(): boolean {
    return this.#parts.plan.probeBytes(RUNS) > 0;
  }

  async run(pictures: readonly Picture[]): Promise<EncodedPictures> {
    const { plan, outputs, readback } = this.#parts;
    this.#device.assertUsable();
    this.upload(pictures);
    const encoder = this.#device.gpuDevice.createCommandEncoder({ label: 'encode' });
    const probed = this.isProbed ? await this.#probeBuffer() : undefined;
    if (probed) plan.encode(encoder, RUNS, probed);
    const commands = probed ? this.#finish(encoder) : encodedInParts(plan, encoder, RUNS, (last) => this.#finish(last));
    this.#device.submit(commands);
    await this.#device.settle(readback.mapAsync(MAP_READ));
    const features = readOutputs(outputs, readback.getMappedRange(), 0);
    readback.unmap();
    return { features, probes: probed ? await this.#readProbes(probed) : new Map() };
  }

  upload(pictures: readonly Picture[]): void {
    const { targets } = this.#parts;
    const { queue } = this.#device.gpuDevice;
    // Each from its own bytes: a copy on the host would cost as much as the upload.
    pictures.forEach((picture, i) => {
      const { buffer, offset } = targets[i] as EncodeParts['targets'][number];
      queue.writeBuffer(buffer, offset, picture.scene ?? picture.bytes);
    });
  }

  encode(commands: GPUCommandEncoder): void {
    this.#parts.plan.encode(commands, RUNS);
  }

  async rehearse(): Promise<void> {
    const commands = this.#device.gpuDevice.createCommandEncoder({ label: 'encode' });
    this.encode(commands);
    const { queue } = this.#device.gpuDevice;
    queue.submit([commands.finish()]);
    await this.#device.settle(queue.onSubmittedWorkDone());
  }

  destroy(): void {
    this.#parts.plan.destroy();
    this.#parts.readback.destroy();
  }

  /** Appends the read-back. */
  #finish(encoder: GPUCommandEncoder): GPUCommandBuffer {
    let end = 0;
    for (const { buffer, bytes } of this.#parts.outputs) {
      encoder.copyBufferToBuffer(buffer, 0, this.#parts.readback, end, bytes);
      end += bytes;
    }
    return encoder.finish();
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

  /** Of what was probed of some frames, that of the first. */
  #firstFrame(name: string, values: Float32Array): Float32Array {
    const { networks, shape } = this.#parts;
    const map = networks.find(({ probes }) => name.startsWith(probes))?.probedMap(name);
    if (!map) return name.startsWith('encoder.') ? values.subarray(0, values.length / shape.frames) : values;
    const one = { batch: 1, ...map };
    return channelsFirstValues(one, values.subarray(0, mapElements(one)));
  }
}

/** Cameras that arrive alike are one stretch, and so one dispatch; others begin where they can be bound. */
function stretchesOf({ cameras, frames }: EncodeShape, frame: readonly [number, number]): Stretch[] {
  const keys = cameras.map((camera) => cameraKey(camera));
  const parts =
    new Set(keys).size === 1 ? [{ firstCamera: 0, cameras: cameras.length }] : cameras.map((_, i) => ({ firstCamera: i, cameras: 1 }));
  let end = 0;
  let sceneEnd = 0;
  return parts.map(({ firstCamera, cameras: count }) => {
    const { format, source, sceneNumbers = 0 } = cameras[firstCamera] as CameraFormat;
    const pictureBytes = frameBytes(format, sourceSides({ frame, source }));
    const offset = end;
    end = alignUp(offset + pictureBytes * count * frames, OFFSET_ALIGNMENT);
    const sceneBytes = sceneNumbers * Float32Array.BYTES_PER_ELEMENT;
    const sceneOffset = sceneEnd;
    sceneEnd = alignUp(sceneOffset + sceneBytes * count * frames, OFFSET_ALIGNMENT);
    return { format, source, firstCamera, cameras: count, offset, pictureBytes, sceneOffset, sceneBytes };
  });
}

/** Draws the pictures of a stretch where their bytes would have gone up to. */
function recordDrawing(
  builder: PlanBuilder,
  { source, offset, pictureBytes, sceneOffset, sceneBytes }: Stretch,
  count: number,
  scenes: BufferHandle,
  pictures: BufferHandle,
  frame: readonly [number, number],
): void {
  if (sceneBytes === 0) return;
  const [height, width] = sourceSides({ frame, source });
  recordCastRays(builder, {
    scenes: { buffer: scenes, offset: sceneOffset, bytes: sceneBytes * count },
    pictures: { buffer: pictures, offset, bytes: pictureBytes * count },
    count,
    height,
    width,
  });
}

/** A geometry with its table in a buffer of the plan. */
function prepare(
  builder: PlanBuilder,
  geometry: FramePreparation['geometry'],
  tables: { readonly buffer: BufferHandle; readonly entries: Float32Array<ArrayBuffer> }[],
): FramePreparation {
  const settled = frameTables(geometry);
  if (!settled.table) return { ...settled, buffer: undefined };
  const entries = Float32Array.from(settled.table.entries);
  const buffer = builder.buffer('tables of the resize', entries.byteLength);
  tables.push({ buffer, entries });
  return { ...settled, buffer };
}
