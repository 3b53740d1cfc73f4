import { OptionError } from '../../foundation/errors.js';
import { packF16 } from '../../foundation/half.js';
import type { ParameterArena } from '../../ops/backward/optimizer.js';
import type { TrainedMatrix, TrainedVectors } from '../../ops/backward/trained-weights.js';
import { createBuffer, USAGE } from '../../runtime/buffers.js';
import type { ComputeDevice } from '../../runtime/device.js';
import type { Binding, BufferHandle, PlanBuilder } from '../../runtime/plan-builder.js';
import type { ParameterInfo, ParameterSet } from '../training-step.js';
import { type ArenaBlock, copyParameter, elementCount, type ParameterLayout } from './parameter-layout.js';

const MAP_READ = 1;

/** From here on the nearest half is infinity. */
const HALF_LIMIT = 65_520;

/** Every copy of the parameters on the device, f32, and of the weights one in halves where the layout says so. */
export class ParameterStore {
  readonly #device: ComputeDevice;
  readonly layout: ParameterLayout;
  /** In the order of the reference's state dict. */
  readonly parameters: readonly ParameterInfo[];
  readonly #sets: ReadonlyMap<ParameterSet, readonly GPUBuffer[]>;
  /** Empty where products read the weights themselves. */
  readonly #halves: readonly GPUBuffer[];

  private constructor(
    device: ComputeDevice,
    layout: ParameterLayout,
    parameters: readonly ParameterInfo[],
    sets: ReadonlyMap<ParameterSet, readonly GPUBuffer[]>,
    halves: readonly GPUBuffer[],
  ) {
    this.#device = device;
    this.layout = layout;
    this.parameters = parameters;
    this.#sets = sets;
    this.#halves = halves;
  }

  /** Zeros. `ema`: whether there is a moving average. @throws DeviceLimitError where the device has too little memory. */
  static async create(
    device: ComputeDevice,
    layout: ParameterLayout,
    parameters: readonly ParameterInfo[],
    ema: boolean,
  ): Promise<ParameterStore> {
    const names: ParameterSet[] = ['weights', 'gradients', 'firstMoment', 'secondMoment', ...(ema ? (['ema'] as const) : [])];
    const usage = USAGE.storage | USAGE.copySource | USAGE.copyDestination;
    const sets = new Map<ParameterSet, GPUBuffer[]>();
    const halves: GPUBuffer[] = [];
    try {
      for (const name of names) {
        const buffers: GPUBuffer[] = [];
        sets.set(name, buffers);
        for (const elements of layout.arenas) buffers.push(await createBuffer(device, name, elements * 4, usage));
      }
      if (layout.precision === 'f16') {
        for (const elements of layout.arenas) halves.push(await createBuffer(device, 'weights, f16', elements * 2, usage));
      }
      return new ParameterStore(device, layout, parameters, sets, halves);
    } catch (error) {
      for (const buffers of [...sets.values(), halves]) for (const buffer of buffers) buffer.destroy();
      throw error;
    }
  }

  get hasEma(): boolean {
    return this.#sets.has('ema');
  }

  /** Bytes of each copy. */
  get memory(): Record<string, number> {
    const copies: (readonly [string, readonly GPUBuffer[]])[] = [...this.#sets];
    if (this.#halves.length > 0) copies.push(['halves', this.#halves]);
    return Object.fromEntries(copies.map(([name, buffers]) => [name, buffers.reduce((sum, { size }) => sum + size, 0)]));
  }

  /** What a plan records with. */
  bind(builder: PlanBuilder): BoundParameters {
    return new BoundParameters(builder, this.layout, this.#sets, this.#halves);
  }

  /** @throws OptionError for the moving average where there is none. */
  async read(set: ParameterSet): Promise<Map<string, Float32Array>> {
    const device = this.#device;
    const found = new Map<string, Float32Array>();
    for (const [arena, buffer] of this.#buffers(set).entries()) {
      const readback = await createBuffer(device, `read-back of ${set}`, buffer.size, USAGE.mapRead | USAGE.copyDestination);
      try {
        const encoder = device.gpuDevice.createCommandEncoder({ label: `read ${set}` });
        encoder.copyBufferToBuffer(buffer, 0, readback, 0, buffer.size);
        device.gpuDevice.queue.submit([encoder.finish()]);
        await device.settle(readback.mapAsync(MAP_READ));
        const values = new Float32Array(readback.getMappedRange());
        for (const { name, shape } of this.parameters) {
          const place = this.layout.place(name);
          if (place.arena !== arena) continue;
          const tensor = new Float32Array(elementCount(shape));
          copyParameter(place, values, tensor, true);
          found.set(name, tensor);
        }
      } finally {
        readback.destroy();
      }
    }
    return new Map(this.parameters.map(({ name }) => [name, found.get(name) as Float32Array]));
  }

  /** @throws OptionError where a tensor is missing, unknown or of another size: a copy is written as a whole or not at all. */
  write(set: ParameterSet, tensors: ReadonlyMap<string, Float32Array>): void {
    const buffers = this.#buffers(set);
    const unknown = [...tensors.keys()].find((name) => !this.layout.names.has(name));
    if (unknown !== undefined) throw new OptionError(`${set}: "${unknown}" is no parameter of this network: leave it out.`);
    for (const { name, shape } of this.parameters) {
      const found = tensors.get(name);
      if (!(found instanceof Float32Array) || found.length !== elementCount(shape)) {
        throw new OptionError(
          `${set}: expected ${shape.join(' × ')} values of "${name}" in a Float32Array, found ${found instanceof Float32Array ? `${found.length} values` : 'none'}.`,
        );
      }
      if (set === 'weights' && this.#halves.length > 0) checkHalves(name, found);
    }
    buffers.forEach((buffer, arena) => {
      const values = new Float32Array(buffer.size / 4);
      for (const { name } of this.parameters) {
        const place = this.layout.place(name);
        if (place.arena === arena) copyParameter(place, values, tensors.get(name) as Float32Array, false);
      }
      this.#device.gpuDevice.queue.writeBuffer(buffer, 0, values);
      const halves = set === 'weights' ? this.#halves[arena] : undefined;
      if (halves) {
        const codes = new Uint16Array(values.length);
        packF16(values, codes);
        this.#device.gpuDevice.queue.writeBuffer(halves, 0, codes);
      }
    });
  }

  destroy(): void {
    for (const buffers of [...this.#sets.values(), this.#halves]) for (const buffer of buffers) buffer.destroy();
  }

  #buffers(set: ParameterSet): readonly GPUBuffer[] {
    const buffers = this.#sets.get(set);
    if (buffers) return buffers;
    throw new OptionError(
      `there is no copy "${String(set)}" of the parameters, there are ${[...this.#sets.keys()].join(', ')}: ask for a moving average when the ` +
        'network is compiled for training.',
    );
  }
}

/** @throws OptionError where a weight is finite and its half would not be. */
function checkHalves(name: string, values: Float32Array): void {
  const large = values.find((value) => Math.abs(value) >= HALF_LIMIT && Number.isFinite(value));
  if (large === undefined) return;
  throw new OptionError(
    `weights: expected values within ±65504, as f16 holds them, found ${large} in "${name}": train with precision "f32".`,
  );
}

/** The parameters as one plan binds them. */
export class BoundParameters {
  readonly #layout: ParameterLayout;
  readonly arenas: readonly ParameterArena[];

  constructor(
    builder: PlanBuilder,
    layout: ParameterLayout,
    sets: ReadonlyMap<ParameterSet, readonly GPUBuffer[]>,
    halves: readonly GPUBuffer[],
  ) {
    this.#layout = layout;
    const handle = (set: ParameterSet, arena: number): BufferHandle => builder.existing(sets.get(set)?.[arena] as GPUBuffer);
    this.arenas = layout.arenas.map((_, arena) => ({
      weight: handle('weights', arena),
      gradient: handle('gradients', arena),
      firstMoment: handle('firstMoment', arena),
      secondMoment: handle('secondMoment', arena),
      ema: sets.has('ema') ? handle('ema', arena) : undefined,
      halves: halves[arena] && builder.existing(halves[arena]),
    }));
  }

  matrix(key: string): TrainedMatrix {
    const block = this.#layout.matrix(key);
    const { taps, inChannels, outChannels, rowStride, tapStride } = block;
    const bound = { ...this.#bindings(block), taps, inChannels, outChannels, rowStride, tapStride };
    const halves = this.arenas[block.arena]?.halves;
    if (!halves) return bound;
    return { ...bound, halves: true, weight: { buffer: halves, offset: block.offset * 2, bytes: block.elements * 2 } };
  }

  vectors(key: string): TrainedVectors {
    const block = this.#layout.vectors(key);
    return { ...this.#bindings(block), channels: block.channels, count: block.count };
  }

  #bindings({ arena, offset, elements }: ArenaBlock): { readonly weight: Binding; readonly gradient: Binding } {
    const { weight, gradient } = this.arenas[arena] as ParameterArena;
    const range = { offset: offset * 4, bytes: elements * 4 };
    return { weight: { buffer: weight, ...range }, gradient: { buffer: gradient, ...range } };
  }
}
