import { isTexture } from './buffers.js';
import type { ComputeDevice } from './device.js';
import type { BufferHandle, ProbePoint } from './plan-builder.js';
import { type ProbeBuffer, probeBytes } from './probes.js';
import type { OffsetValues, StepOffset } from './step-offsets.js';

/** One replay of a segment. */
export interface SegmentRun {
  readonly segment: string;
  /** Which one this is of the segment's replays, where there are several. */
  readonly step?: number;
  /** Required where the segment has step offsets. */
  readonly offsets?: OffsetValues;
}

/** A dispatch of one of several runs. */
export interface PlanPlace {
  readonly run: number;
  readonly dispatch: number;
}

/** What a dispatch is, for measurements. */
export interface DispatchInfo {
  readonly segment: string;
  /** That of the replay, where the segment is replayed in steps. */
  readonly step: number | undefined;
  /** Of the kernel. */
  readonly label: string;
  readonly workgroups: readonly [number, number, number];
  /** Sum of the sizes of its bindings: no dispatch needs to move more, and weights are read as a whole. */
  readonly boundBytes: number;
}

/** @internal */
export interface RecordedDispatch {
  readonly label: string;
  readonly boundBytes: number;
  /** Of them, what was there before the plan: weights, and rows of tables. */
  readonly weightBytes: number;
  readonly pipeline: GPUComputePipeline;
  readonly bindGroup: GPUBindGroup;
  readonly workgroups: readonly [number, number, number];
  /** Which step offset each dynamic binding takes, in binding order. */
  readonly dynamic: readonly StepOffset[];
}

/** @internal */
export interface RecordedSegment {
  readonly dispatches: readonly RecordedDispatch[];
  readonly probes: readonly ProbePoint[];
}

/** WebGPU's defaults for dynamic buffers in a pipeline's layout, of uniforms and storage together. */
const MOST_DYNAMIC = 8 + 4;

/**
 * A compiled plan: pipelines, bind groups and workgroup counts, ready to be encoded again and again. Encoding creates
 * nothing but the command encoder and its passes.
 * @internal
 */
export class Plan {
  readonly #device: ComputeDevice;
  readonly #buffers: ReadonlyMap<BufferHandle, GPUBuffer | GPUTexture>;
  readonly #segments: ReadonlyMap<string, RecordedSegment>;
  readonly #offsets: readonly StepOffset[];
  /** By number of dynamic bindings. Dawn in Node takes a list in half the time of a typed array with a range. */
  readonly #dynamicOffsets = Array.from({ length: MOST_DYNAMIC + 1 }, (_, count) => new Array<number>(count).fill(0));

  /** `offsets`: the slots of the builder that the segments come from. `compilePlan` makes plans. */
  constructor(
    device: ComputeDevice,
    buffers: ReadonlyMap<BufferHandle, GPUBuffer | GPUTexture>,
    segments: ReadonlyMap<string, RecordedSegment>,
    offsets: readonly StepOffset[],
  ) {
    this.#device = device;
    this.#buffers = buffers;
    this.#segments = segments;
    this.#offsets = offsets;
  }

  /** Dispatches of one replay of a segment. @throws TypeError for a segment that the plan does not have. */
  dispatchCount(segment: string): number {
    return this.#segment(segment).dispatches.length;
  }

  /** Bytes of weights and tables that one replay of a segment reads: each dispatch those that it binds, once. @throws TypeError likewise. */
  weightBytes(segment: string): number {
    return this.#segment(segment).dispatches.reduce((sum, dispatch) => sum + dispatch.weightBytes, 0);
  }

  /** The GPU buffer of a handle of the builder that this plan came from. */
  gpuBuffer(handle: BufferHandle): GPUBuffer {
    const buffer = this.resource(handle);
    if (isTexture(buffer)) throw new TypeError(`"${handle.label}" is a texture of this plan, not a buffer`);
    return buffer;
  }

  /**
   * Where the end of these runs begins whose dispatches bind at least so many bytes, each its own: a dispatch of a run. undefined where that, and as
   * much before it, is more than there is.
   */
  endOf(runs: readonly SegmentRun[], bytes: number): PlanPlace | undefined {
    let place: PlanPlace | undefined;
    let bound = 0;
    for (let run = runs.length - 1; run >= 0; run--) {
      const { dispatches } = this.#segment((runs[run] as SegmentRun).segment);
      for (let dispatch = dispatches.length - 1; dispatch >= 0; dispatch--) {
        bound += (dispatches[dispatch] as RecordedDispatch).boundBytes;
        if (bound >= bytes) place ??= { run, dispatch };
        if (bound >= 2 * bytes) return place;
      }
    }
    return undefined;
  }

  /**
   * Appends a run to a pass, whose pipeline is `pipeline`; returns the one that it has then. `encode` does the same with each of its runs. `first`,
   * `end`: a part of its dispatches.
   */
  encodeRun(
    pass: GPUComputePassEncoder,
    { segment, offsets }: SegmentRun,
    pipeline: GPUComputePipeline | undefined,
    first = 0,
    end = Infinity,
  ): GPUComputePipeline | undefined {
    this.#checkOffsets(segment, offsets);
    const { dispatches } = this.#segment(segment);
    let current = pipeline;
    for (let index = first; index < dispatches.length && index < end; index++) {
      const dispatch = dispatches[index] as RecordedDispatch;
      if (dispatch.pipeline !== current) pass.setPipeline(dispatch.pipeline);
      current = dispatch.pipeline;
      this.#encodeDispatch(pass, dispatch, offsets);
    }
    return current;
  }

  /** Appends the runs to an encoder; `probed` receives a copy after each probe point, and may interrupt the pass. */
  encode(encoder: GPUCommandEncoder, runs: readonly SegmentRun[], probed?: ProbeBuffer): void {
    let pass = encoder.beginComputePass();
    let pipeline: GPUComputePipeline | undefined;
    for (const { segment, step, offsets } of runs) {
      const { dispatches, probes } = this.#segment(segment);
      this.#checkOffsets(segment, offsets);
      for (let index = 0; index < dispatches.length; index++) {
        const dispatch = dispatches[index] as RecordedDispatch;
        if (dispatch.pipeline !== pipeline) pass.setPipeline(dispatch.pipeline);
        pipeline = dispatch.pipeline;
        this.#encodeDispatch(pass, dispatch, offsets);
        if (!probed || probes.length === 0) continue;
        const due = probes.filter((probe) => probe.after === index);
        if (due.length === 0) continue;
        pass.end();
        for (const probe of due) {
          probed.copy(encoder, probe, step, this.resource(probe.buffer), probe.stepOffset ? (offsets?.at(probe.stepOffset) ?? 0) : 0);
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
      this.#checkOffsets(segment, offsets);
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
    if (!recorded)
      throw new TypeError(`the plan has no segment "${name}", it has ${[...this.#segments.keys()].join(', ')}: replay one of these.`);
    return recorded;
  }

  /** The buffer or texture of a handle of the builder that this plan came from. */
  resource(handle: BufferHandle): GPUBuffer | GPUTexture {
    const resource = handle.existing ?? this.#buffers.get(handle);
    if (!resource) throw new TypeError(`buffer "${handle.label}" does not belong to this plan`);
    return resource;
  }

  /** Once per replay of a segment, so that nothing has to be checked per dispatch. */
  #checkOffsets(segment: string, offsets: OffsetValues | undefined): void {
    if (offsets && !offsets.belongTo(this.#offsets)) {
      throw new TypeError(`segment "${segment}" was given step offsets of another plan: make them with the builder of this one.`);
    }
  }

  #encodeDispatch(pass: GPUComputePassEncoder, dispatch: RecordedDispatch, offsets: OffsetValues | undefined): void {
    const count = dispatch.dynamic.length;
    if (count === 0) {
      pass.setBindGroup(0, dispatch.bindGroup);
    } else {
      if (!offsets) throw new TypeError(`${dispatch.label} takes step offsets: give the run its \`offsets\`.`);
      const values = this.#dynamicOffsets[count] as number[];
      for (let index = 0; index < count; index++) values[index] = offsets.at(dispatch.dynamic[index] as StepOffset);
      pass.setBindGroup(0, dispatch.bindGroup, values);
    }
    const { workgroups } = dispatch;
    // Arguments that are left out are not converted.
    if (workgroups[1] === 1 && workgroups[2] === 1) pass.dispatchWorkgroups(workgroups[0]);
    else pass.dispatchWorkgroups(workgroups[0], workgroups[1], workgroups[2]);
  }

  /** Bytes that the probes of these runs need. */
  probeBytes(runs: readonly SegmentRun[]): number {
    let bytes = 0;
    for (const { segment } of runs) for (const probe of this.#segment(segment).probes) bytes += probeBytes(probe);
    return bytes;
  }

  get device(): ComputeDevice {
    return this.#device;
  }

  destroy(): void {
    for (const buffer of this.#buffers.values()) buffer.destroy();
  }
}
