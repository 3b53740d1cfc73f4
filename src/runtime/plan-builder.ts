import type { Kernel } from '../../kernels/lib/kernel.js';
import { DeviceLimitError } from '../foundation/errors.js';
import { alignUp, isTexture, OFFSET_ALIGNMENT, TEXEL_BYTES } from './buffers.js';
import type { ComputeDevice } from './device.js';
import type { DeviceClass } from './device-class.js';
import type { VariantTable } from './variant-table.js';

/** A buffer of a plan: made when the plan is compiled, or one that exists already (weights, which may be a texture). */
export interface BufferHandle {
  readonly label: string;
  readonly bytes: number;
  /** @internal */
  readonly existing?: GPUBuffer | GPUTexture;
}

/** Offsets that a dispatch takes from the denoising step it is replayed for, in bytes. */
export type StepOffset = 'filmRow' | 'embeddingRow' | 'coefficients' | 'noise';

/** What a binding of a kernel is connected to. Without offset and size: the whole buffer. */
export interface Binding {
  readonly buffer: BufferHandle;
  readonly offset?: number;
  readonly bytes?: number;
  /** Required exactly where the kernel's binding is dynamic; added to `offset`. */
  readonly stepOffset?: StepOffset;
}

export interface Dispatch {
  readonly kernel: Kernel;
  readonly bindings: readonly Binding[];
  readonly workgroups: readonly [number, number, number];
  /** Key of its entry in a table of variants, where it can have one. */
  readonly variant?: string;
}

/** What a plan is recorded for: a device, or what the choice of variants asks of one. */
export type BuildTarget = Pick<ComputeDevice, 'deviceClass' | 'variants' | 'halfLoads'>;

/** A copy of ranges of a buffer, one after the other, after dispatch number `after` of a segment. */
export interface TapPoint {
  readonly name: string;
  readonly after: number;
  readonly buffer: BufferHandle;
  readonly ranges: readonly TapRange[];
  /** Added to the offset of every range. */
  readonly stepOffset?: StepOffset;
}

export interface TapRange {
  readonly offset: number;
  readonly bytes: number;
}

/** A stretch of a plan that is replayed as a whole. */
export interface Segment {
  readonly name: string;
  readonly dispatches: readonly Dispatch[];
  readonly taps: readonly TapPoint[];
}

/** WebGPU's default for maxComputeWorkgroupsPerDimension, granted everywhere. */
const MAX_WORKGROUPS = 65_535;

/**
 * Records what a plan will do, without touching the device: buffers, and dispatches in segments. What is recorded
 * depends on shapes alone, so it can be tested without a GPU. `compilePlan` makes it real.
 * @internal
 */
export class PlanBuilder {
  readonly #buffers: BufferHandle[] = [];
  readonly #segments = new Map<string, { dispatches: Dispatch[]; taps: TapPoint[] }>();
  readonly #wantedTaps: ReadonlySet<string>;
  readonly #shapes = new Map<string, { readonly words: readonly number[]; readonly offset: number }>();
  readonly #shapeBuffer: { label: string; bytes: number } = { label: 'shapes', bytes: 0 };
  readonly deviceClass: DeviceClass;
  /** Of the device; undefined: the shipped ones alone. */
  readonly variants: VariantTable | undefined;
  readonly halfLoads: BuildTarget['halfLoads'];
  #current: { dispatches: Dispatch[]; taps: TapPoint[] } | undefined;

  /** `target`: a class of devices stands for its shipped variants. `taps`: names of the inner values that the plan shall hand out. */
  constructor(target: DeviceClass | BuildTarget, taps: Iterable<string> = []) {
    const { deviceClass, variants, halfLoads }: BuildTarget =
      typeof target === 'string' ? { deviceClass: target, variants: undefined, halfLoads: 'packed' } : target;
    this.deviceClass = deviceClass;
    this.variants = variants;
    this.halfLoads = halfLoads;
    this.#wantedTaps = new Set(taps);
  }

  buffer(label: string, bytes: number): BufferHandle {
    const handle = { label, bytes };
    this.#buffers.push(handle);
    return handle;
  }

  /** A uniform with these words; equal ones are stored once. */
  shape(words: readonly number[]): Binding {
    const key = words.join(' ');
    let shape = this.#shapes.get(key);
    if (!shape) {
      shape = { words, offset: this.#shapeBuffer.bytes };
      this.#shapeBuffer.bytes += alignUp(words.length * 4, OFFSET_ALIGNMENT);
      this.#shapes.set(key, shape);
    }
    return { buffer: this.#shapeBuffer, offset: shape.offset, bytes: words.length * 4 };
  }

  /** All shapes in one array, and the buffer that is to hold them. */
  get shapes(): { readonly buffer: BufferHandle; readonly words: Uint32Array } {
    const words = new Uint32Array(this.#shapeBuffer.bytes / 4);
    for (const shape of this.#shapes.values()) words.set(shape.words, shape.offset / 4);
    return { buffer: this.#shapeBuffer, words };
  }

  existing(resource: GPUBuffer | GPUTexture): BufferHandle {
    const bytes = isTexture(resource) ? resource.width * resource.height * TEXEL_BYTES : resource.size;
    return { label: resource.label, bytes, existing: resource };
  }

  /** Dispatches recorded from now on belong to segment `name`. */
  segment(name: string): void {
    this.#current = this.#segments.get(name) ?? { dispatches: [], taps: [] };
    this.#segments.set(name, this.#current);
  }

  /** `variant`: key of the dispatch in a table of variants. */
  dispatch(kernel: Kernel, bindings: readonly Binding[], workgroups: readonly [number, number, number], variant?: string): void {
    if (bindings.length !== kernel.bindings.length) {
      throw new TypeError(`${kernel.label} has ${kernel.bindings.length} bindings, ${bindings.length} were given`);
    }
    kernel.bindings.forEach((expected, index) => {
      if ((expected.dynamic ?? false) !== (bindings[index]?.stepOffset !== undefined)) {
        throw new TypeError(`${kernel.label}: binding ${expected.name} and its step offset disagree`);
      }
    });
    if (workgroups.some((count) => count > MAX_WORKGROUPS)) {
      throw new DeviceLimitError(
        `${kernel.label} needs ${workgroups.join(' × ')} workgroups, WebGPU allows ${MAX_WORKGROUPS} per dimension: use a smaller batch.`,
      );
    }
    this.#open().dispatches.push({ kernel, bindings, workgroups, ...(variant === undefined ? {} : { variant }) });
  }

  wantsTap(name: string): boolean {
    return this.#wantedTaps.has(name);
  }

  /** Marks ranges of a buffer, as they are after the last recorded dispatch, to be handed out under `name` if wanted. */
  tap(name: string, buffer: BufferHandle, ranges: readonly TapRange[], stepOffset?: StepOffset): void {
    if (!this.wantsTap(name)) return;
    const segment = this.#open();
    const after = segment.dispatches.length - 1;
    segment.taps.push({ name, after, buffer, ranges, ...(stepOffset === undefined ? {} : { stepOffset }) });
  }

  get buffers(): readonly BufferHandle[] {
    return this.#buffers;
  }

  get segments(): readonly Segment[] {
    return [...this.#segments].map(([name, { dispatches, taps }]) => ({ name, dispatches, taps }));
  }

  #open(): { dispatches: Dispatch[]; taps: TapPoint[] } {
    if (!this.#current) throw new TypeError('open a segment before recording');
    return this.#current;
  }
}
