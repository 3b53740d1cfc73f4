import { alignUp, createBuffer, isTexture, OFFSET_ALIGNMENT, USAGE } from './buffers.js';
import type { ComputeDevice } from './device.js';
import type { BufferHandle, PlanBuilder, Segment, StepOffset, TapPoint } from './plan-builder.js';

/** Byte offsets for the dynamic bindings of one denoising step. */
export type StepOffsets = Readonly<Record<StepOffset, number>>;

/** One replay of a segment. `step` is the index of the denoising step, where the segment belongs to one. */
export interface SegmentRun {
  readonly segment: string;
  readonly step?: number;
  readonly offsets?: StepOffsets;
}

/** What a dispatch is, for measurements. */
export interface DispatchInfo {
  readonly segment: string;
  /** Index of the denoising step, where the segment belongs to one. */
  readonly step: number | undefined;
  /** Of the kernel. */
  readonly label: string;
  readonly workgroups: readonly [number, number, number];
  /** Sum of the sizes of its bindings: no dispatch needs to move more, and weights are read as a whole. */
  readonly boundBytes: number;
}

interface RecordedDispatch {
  readonly label: string;
  readonly boundBytes: number;
  readonly pipeline: GPUComputePipeline;
  readonly bindGroup: GPUBindGroup;
  readonly workgroups: readonly [number, number, number];
  /** Which step offset each dynamic binding takes, in binding order. */
  readonly dynamic: readonly StepOffset[];
}

interface RecordedSegment {
  readonly dispatches: readonly RecordedDispatch[];
  readonly taps: Segment['taps'];
}

function tapSize(tap: TapPoint): number {
  return tap.ranges.reduce((sum, range) => sum + range.bytes, 0);
}

/** Where a tap's copy lies in the tap buffer, for one step. */
interface TapCopy {
  readonly name: string;
  readonly step: number | undefined;
  readonly offset: number;
  readonly bytes: number;
}

/**
 * A compiled plan: pipelines, bind groups and workgroup counts, ready to be encoded again and again. Encoding creates
 * nothing but the command encoder and its passes.
 * @internal
 */
export class Plan {
  readonly #device: ComputeDevice;
  readonly #buffers: ReadonlyMap<BufferHandle, GPUBuffer>;
  readonly #segments: ReadonlyMap<string, RecordedSegment>;
  readonly #dynamicOffsets = new Uint32Array(8);

  constructor(device: ComputeDevice, buffers: ReadonlyMap<BufferHandle, GPUBuffer>, segments: ReadonlyMap<string, RecordedSegment>) {
    this.#device = device;
    this.#buffers = buffers;
    this.#segments = segments;
  }

  /** Dispatches of one replay of a segment. */
  dispatchCount(segment: string): number {
    return this.#segments.get(segment)?.dispatches.length ?? 0;
  }

  /** The GPU buffer of a handle of the builder that this plan came from. */
  gpuBuffer(handle: BufferHandle): GPUBuffer {
    const buffer = handle.existing ?? this.#buffers.get(handle);
    if (!buffer || isTexture(buffer)) throw new TypeError(`buffer "${handle.label}" does not belong to this plan`);
    return buffer;
  }

  /** Appends the runs to an encoder; `tapped` receives a copy after each tap point, and may interrupt the pass. */
  encode(encoder: GPUCommandEncoder, runs: readonly SegmentRun[], tapped?: TapBuffer): void {
    let pass = encoder.beginComputePass();
    let pipeline: GPUComputePipeline | undefined;
    for (const { segment, step, offsets } of runs) {
      const { dispatches, taps } = this.#segment(segment);
      for (let index = 0; index < dispatches.length; index++) {
        const dispatch = dispatches[index] as RecordedDispatch;
        if (dispatch.pipeline !== pipeline) pass.setPipeline(dispatch.pipeline);
        pipeline = dispatch.pipeline;
        this.#encodeDispatch(pass, dispatch, offsets);
        if (!tapped || taps.length === 0) continue;
        const due = taps.filter((tap) => tap.after === index);
        if (due.length === 0) continue;
        pass.end();
        for (const tap of due) {
          tapped.copy(encoder, tap, step, this.gpuBuffer(tap.buffer), tap.stepOffset ? (offsets?.[tap.stepOffset] ?? 0) : 0);
        }
        pass = encoder.beginComputePass();
        pipeline = undefined;
      }
    }
    pass.end();
  }

  /**
   * As `encode`, with a compute pass of its own for every dispatch: that is how a dispatch gets timestamps. Slower than
   * `encode`, with the same bits.
   */
  encodeSeparately(
    encoder: GPUCommandEncoder,
    runs: readonly SegmentRun[],
    passFor: (dispatch: DispatchInfo) => GPUComputePassDescriptor,
  ): void {
    for (const { segment, step, offsets } of runs) {
      for (const dispatch of this.#segment(segment).dispatches) {
        const { label, workgroups, boundBytes } = dispatch;
        const pass = encoder.beginComputePass(passFor({ segment, step, label, workgroups, boundBytes }));
        pass.setPipeline(dispatch.pipeline);
        this.#encodeDispatch(pass, dispatch, offsets);
        pass.end();
      }
    }
  }

  /**
   * As `encode`, in parts that begin where a pipeline is used for the first time; `next` gives the encoder of the part that
   * begins with this kernel.
   */
  encodeByKernel(runs: readonly SegmentRun[], next: (kernel: string) => GPUCommandEncoder): void {
    const used = new Set<GPUComputePipeline>();
    let pass: GPUComputePassEncoder | undefined;
    for (const { segment, offsets } of runs) {
      for (const dispatch of this.#segment(segment).dispatches) {
        if (!used.has(dispatch.pipeline)) {
          used.add(dispatch.pipeline);
          pass?.end();
          pass = next(dispatch.label).beginComputePass();
        }
        pass?.setPipeline(dispatch.pipeline);
        this.#encodeDispatch(pass as GPUComputePassEncoder, dispatch, offsets);
      }
    }
    pass?.end();
  }

  #segment(name: string): RecordedSegment {
    const recorded = this.#segments.get(name);
    if (!recorded) throw new TypeError(`the plan has no segment "${name}"`);
    return recorded;
  }

  #encodeDispatch(pass: GPUComputePassEncoder, dispatch: RecordedDispatch, offsets: StepOffsets | undefined): void {
    const count = dispatch.dynamic.length;
    if (count === 0) {
      pass.setBindGroup(0, dispatch.bindGroup);
    } else {
      if (!offsets) throw new TypeError('this segment is replayed per denoising step and needs its offsets');
      for (let index = 0; index < count; index++) {
        this.#dynamicOffsets[index] = offsets[dispatch.dynamic[index] as StepOffset];
      }
      pass.setBindGroup(0, dispatch.bindGroup, this.#dynamicOffsets, 0, count);
    }
    pass.dispatchWorkgroups(dispatch.workgroups[0], dispatch.workgroups[1], dispatch.workgroups[2]);
  }

  /** Bytes that the taps of these runs need. */
  tapBytes(runs: readonly SegmentRun[]): number {
    let bytes = 0;
    for (const run of runs) {
      for (const tap of this.#segments.get(run.segment)?.taps ?? []) bytes += alignUp(tapSize(tap), OFFSET_ALIGNMENT);
    }
    return bytes;
  }

  get device(): ComputeDevice {
    return this.#device;
  }

  destroy(): void {
    for (const buffer of this.#buffers.values()) buffer.destroy();
  }
}

/** Receives copies of inner values while a plan is encoded; read back with the result. @internal */
export class TapBuffer {
  readonly buffer: GPUBuffer;
  readonly #copies: TapCopy[] = [];
  #end = 0;

  constructor(buffer: GPUBuffer) {
    this.buffer = buffer;
  }

  copy(encoder: GPUCommandEncoder, tap: TapPoint, step: number | undefined, source: GPUBuffer, base: number): void {
    const offset = this.#end;
    let end = offset;
    for (const range of tap.ranges) {
      encoder.copyBufferToBuffer(source, base + range.offset, this.buffer, end, range.bytes);
      end += range.bytes;
    }
    this.#copies.push({ name: tap.name, step, offset, bytes: end - offset });
    this.#end = alignUp(end, OFFSET_ALIGNMENT);
  }

  /** Values by name, or by `name.step` where the tap belongs to a denoising step. */
  read(mapped: ArrayBuffer): Map<string, Float32Array> {
    return new Map(
      this.#copies.map(({ name, step, offset, bytes }) => [
        step === undefined ? name : `${name}.${step}`,
        new Float32Array(mapped.slice(offset, offset + bytes)),
      ]),
    );
  }
}

/**
 * Makes a recorded plan real: buffers, pipelines (all in parallel), bind groups.
 * @throws DeviceLimitError, ShaderError.
 * @internal
 */
export async function compilePlan(device: ComputeDevice, builder: PlanBuilder): Promise<Plan> {
  const buffers = new Map<BufferHandle, GPUBuffer>();
  try {
    const usage = USAGE.storage | USAGE.uniform | USAGE.copySource | USAGE.copyDestination;
    const { shapes } = builder;
    // All at once: the news that there is memory takes a turn of the event loop for each.
    const created = await Promise.allSettled(
      [shapes.buffer, ...builder.buffers].map(async (handle) => {
        buffers.set(handle, await createBuffer(device, handle.label, handle.bytes, usage));
      }),
    );
    const failed = created.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
    device.gpuDevice.queue.writeBuffer(buffers.get(shapes.buffer) as GPUBuffer, 0, shapes.words);
    const segments = new Map<string, RecordedSegment>();
    const compiled = builder.segments.map(async (segment) => {
      segments.set(segment.name, { dispatches: await recordSegment(device, segment, buffers), taps: segment.taps });
    });
    await device.settle(Promise.all(compiled));
    return new Plan(device, buffers, segments);
  } catch (error) {
    for (const buffer of buffers.values()) buffer.destroy();
    throw error;
  }
}

async function recordSegment(
  device: ComputeDevice,
  segment: Segment,
  buffers: ReadonlyMap<BufferHandle, GPUBuffer>,
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
      return { label: kernel.label, boundBytes, pipeline, bindGroup, workgroups, dynamic };
    }),
  );
}
