import type { Kernel } from '../../kernels/lib/kernel.js';
import { DeviceLimitError } from '../foundation/errors.js';
import { alignUp, isTexture, OFFSET_ALIGNMENT, TEXEL_BYTES } from './buffers.js';
import type { ComputeDevice } from './device.js';
import type { DeviceClass } from './device-class.js';
import { foreignOffset, OffsetValues, type StepOffset } from './step-offsets.js';
import type { VariantTable } from './variant-table.js';

/** A buffer of a plan: made when the plan is compiled, or one that exists already (weights). Both may be textures. */
export interface BufferHandle {
  readonly label: string;
  readonly bytes: number;
  /** Whether a texture is made, with rows of TEXTURE_WIDTH texels. */
  readonly texture?: boolean;
  /** @internal */
  readonly existing?: GPUBuffer | GPUTexture;
}

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
export type BuildTarget = Pick<ComputeDevice, 'deviceClass' | 'variants' | 'halfLoads'> &
  Partial<Pick<ComputeDevice, 'subgroupSize' | 'readsStorageTextures'>>;

/** A copy of ranges of a buffer, one after the other, after dispatch number `after` of a segment. */
export interface ProbePoint {
  readonly name: string;
  readonly after: number;
  readonly buffer: BufferHandle;
  readonly ranges: readonly ProbeRange[];
  /** Added to the offset of every range. */
  readonly stepOffset?: StepOffset;
}

export interface ProbeRange {
  readonly offset: number;
  readonly bytes: number;
}

/** A stretch of a plan that is replayed as a whole. */
export interface Segment {
  readonly name: string;
  readonly dispatches: readonly Dispatch[];
  readonly probes: readonly ProbePoint[];
}

/** WebGPU's default for maxComputeWorkgroupsPerDimension, granted everywhere. */
export const MAX_WORKGROUPS = 65_535;

/**
 * Records what a plan will do, without touching the device: buffers, and dispatches in segments. What is recorded
 * depends on shapes alone, so it can be tested without a GPU. `compilePlan` makes it real.
 * @internal
 */
export class PlanBuilder {
  readonly #buffers: BufferHandle[] = [];
  readonly #offsets: StepOffset[] = [];
  readonly #segments = new Map<string, { dispatches: Dispatch[]; probes: ProbePoint[] }>();
  readonly #wantedProbes: ReadonlySet<string>;
  readonly #shapes = new Map<string, { readonly words: readonly number[]; readonly offset: number }>();
  readonly #shapeBuffer: { label: string; bytes: number } = { label: 'shapes', bytes: 0 };
  readonly deviceClass: DeviceClass;
  /** Of the device; undefined: the shipped ones alone. */
  readonly variants: VariantTable | undefined;
  readonly halfLoads: BuildTarget['halfLoads'];
  /** Of the device; a class of devices has none. */
  readonly subgroupSize: number;
  /** Of the device; a class of devices does not. */
  readonly readsStorageTextures: boolean;
  #current: { dispatches: Dispatch[]; probes: ProbePoint[] } | undefined;

  /** `target`: a class of devices stands for its shipped variants. `probes`: names of the inner values that the plan shall hand out. */
  constructor(target: DeviceClass | BuildTarget, probes: Iterable<string> = []) {
    const {
      deviceClass,
      variants,
      halfLoads,
      subgroupSize = 1,
      readsStorageTextures = false,
    }: BuildTarget = typeof target === 'string' ? { deviceClass: target, variants: undefined, halfLoads: 'packed' } : target;
    this.deviceClass = deviceClass;
    this.variants = variants;
    this.halfLoads = halfLoads;
    this.subgroupSize = subgroupSize;
    this.readsStorageTextures = readsStorageTextures;
    this.#wantedProbes = new Set(probes);
  }

  buffer(label: string, bytes: number): BufferHandle {
    const handle = { label, bytes };
    this.#buffers.push(handle);
    return handle;
  }

  /** A texture in place of a buffer, for kernels whose bindings say so. */
  texture(label: string, bytes: number): BufferHandle {
    const handle = { label, bytes, texture: true };
    this.#buffers.push(handle);
    return handle;
  }

  /** A new slot for an offset that is given anew at every replay; `name` is for people and need not be the only one. */
  offset(name: string): StepOffset {
    const slot = { name, index: this.#offsets.length };
    this.#offsets.push(slot);
    return slot;
  }

  /** Every slot so far, in the order of their indices. */
  get offsets(): readonly StepOffset[] {
    return this.#offsets;
  }

  /** Values for this plan's slots, to be set and handed to replays. */
  offsetValues(): OffsetValues {
    return new OffsetValues(this.#offsets);
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
  get shapes(): { readonly buffer: BufferHandle; readonly words: Uint32Array<ArrayBuffer> } {
    const words = new Uint32Array(this.#shapeBuffer.bytes / 4);
    for (const shape of this.#shapes.values()) words.set(shape.words, shape.offset / 4);
    return { buffer: this.#shapeBuffer, words };
  }

  /** `held`: bytes of a texture that hold something, where they are known: its last row may be longer. A buffer counts as it is. */
  existing(resource: GPUBuffer | GPUTexture, held?: number): BufferHandle {
    const bytes = isTexture(resource) ? (held ?? resource.width * resource.height * TEXEL_BYTES) : resource.size;
    return { label: resource.label, bytes, existing: resource };
  }

  /** Dispatches recorded from now on belong to segment `name`. */
  segment(name: string): void {
    this.#current = this.#segments.get(name) ?? { dispatches: [], probes: [] };
    this.#segments.set(name, this.#current);
  }

  /** `variant`: key of the dispatch in a table of variants. */
  dispatch(kernel: Kernel, bindings: readonly Binding[], workgroups: readonly [number, number, number], variant?: string): void {
    if (bindings.length !== kernel.bindings.length) {
      throw new TypeError(`${kernel.label} has ${kernel.bindings.length} bindings, ${bindings.length} were given`);
    }
    kernel.bindings.forEach((expected, index) => {
      const stepOffset = bindings[index]?.stepOffset;
      if ((expected.dynamic ?? false) !== (stepOffset !== undefined)) {
        throw new TypeError(`${kernel.label}: binding ${expected.name} and its step offset disagree`);
      }
      if (stepOffset) this.#checkOwn(stepOffset);
    });
    if (workgroups.some((count) => count > MAX_WORKGROUPS)) {
      throw new DeviceLimitError(
        `${kernel.label} needs ${workgroups.join(' × ')} workgroups, WebGPU allows ${MAX_WORKGROUPS} per dimension: use a smaller batch.`,
      );
    }
    this.#open().dispatches.push({ kernel, bindings, workgroups, ...(variant === undefined ? {} : { variant }) });
  }

  wantsProbe(name: string): boolean {
    return this.#wantedProbes.has(name);
  }

  /** Marks ranges of a buffer, as they are after the last recorded dispatch, to be handed out under `name` if wanted. */
  probe(name: string, buffer: BufferHandle, ranges: readonly ProbeRange[], stepOffset?: StepOffset): void {
    if (!this.wantsProbe(name)) return;
    if (stepOffset) this.#checkOwn(stepOffset);
    const segment = this.#open();
    const after = segment.dispatches.length - 1;
    segment.probes.push({ name, after, buffer, ranges, ...(stepOffset === undefined ? {} : { stepOffset }) });
  }

  get buffers(): readonly BufferHandle[] {
    return this.#buffers;
  }

  get segments(): readonly Segment[] {
    return [...this.#segments].map(([name, { dispatches, probes }]) => ({ name, dispatches, probes }));
  }

  #checkOwn(slot: StepOffset): void {
    if (this.#offsets[slot.index] !== slot) throw foreignOffset(slot.name, this.#offsets);
  }

  #open(): { dispatches: Dispatch[]; probes: ProbePoint[] } {
    if (!this.#current) throw new TypeError('open a segment before recording');
    return this.#current;
  }
}
