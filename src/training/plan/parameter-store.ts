import { OptionError } from '../../foundation/errors.js';
import type { ParameterArena } from '../../ops/backward/optimizer.js';
import type { TrainedMatrix, TrainedVectors } from '../../ops/backward/trained-weights.js';
import { createBuffer, USAGE } from '../../runtime/buffers.js';
import type { ComputeDevice } from '../../runtime/device.js';
import type { Binding, BufferHandle, PlanBuilder } from '../../runtime/plan-builder.js';
import type { ParameterInfo, ParameterSet } from '../training-step.js';
import { type ArenaBlock, copyParameter, elementCount, type ParameterLayout } from './parameter-layout.js';

const MAP_READ = 1;

/** Copies that every optimiser needs. */
const TRAINED_SETS: readonly ParameterSet[] = ['weights', 'gradients', 'firstMoment', 'secondMoment'];

/** Every copy of the parameters on the device, f32. */
export class ParameterStore {
  readonly #device: ComputeDevice;
  readonly layout: ParameterLayout;
  /** In the order of the reference's state dict. */
  readonly parameters: readonly ParameterInfo[];
  readonly #sets: ReadonlyMap<ParameterSet, readonly GPUBuffer[]>;

  private constructor(
    device: ComputeDevice,
    layout: ParameterLayout,
    parameters: readonly ParameterInfo[],
    sets: ReadonlyMap<ParameterSet, readonly GPUBuffer[]>,
  ) {
    this.#device = device;
    this.layout = layout;
    this.parameters = parameters;
    this.#sets = sets;
  }

  /** Zeros. `ema`: whether there is a moving average. @throws DeviceLimitError where the device has too little memory. */
  static async create(
    device: ComputeDevice,
    layout: ParameterLayout,
    parameters: readonly ParameterInfo[],
    ema: boolean,
  ): Promise<ParameterStore> {
    return ParameterStore.#create(device, layout, parameters, ema ? [...TRAINED_SETS, 'ema'] : TRAINED_SETS);
  }

  /** Weights alone, zeros: of a network that is run and not trained. @throws DeviceLimitError where the device has too little memory. */
  static frozen(device: ComputeDevice, layout: ParameterLayout, parameters: readonly ParameterInfo[]): Promise<ParameterStore> {
    return ParameterStore.#create(device, layout, parameters, ['weights']);
  }

  static async #create(
    device: ComputeDevice,
    layout: ParameterLayout,
    parameters: readonly ParameterInfo[],
    names: readonly ParameterSet[],
  ): Promise<ParameterStore> {
    const usage = USAGE.storage | USAGE.copySource | USAGE.copyDestination;
    const sets = new Map<ParameterSet, GPUBuffer[]>();
    try {
      for (const name of names) {
        const buffers: GPUBuffer[] = [];
        sets.set(name, buffers);
        for (const elements of layout.arenas) buffers.push(await createBuffer(device, name, elements * 4, usage));
      }
      return new ParameterStore(device, layout, parameters, sets);
    } catch (error) {
      for (const buffers of sets.values()) for (const buffer of buffers) buffer.destroy();
      throw error;
    }
  }

  get hasEma(): boolean {
    return this.#sets.has('ema');
  }

  /** Bytes of each copy. */
  get memory(): Record<string, number> {
    return Object.fromEntries([...this.#sets].map(([name, buffers]) => [name, buffers.reduce((sum, { size }) => sum + size, 0)]));
  }

  /** What a plan trains. */
  bind(builder: PlanBuilder): BoundParameters {
    const handles = (set: ParameterSet): readonly BufferHandle[] => this.#handles(builder, set);
    const [weights, gradients, firstMoments, secondMoments] = TRAINED_SETS.map(handles) as [
      readonly BufferHandle[],
      readonly BufferHandle[],
      readonly BufferHandle[],
      readonly BufferHandle[],
    ];
    const averages = this.hasEma ? handles('ema') : [];
    const arenas = weights.map((weight, arena) => ({
      weight,
      gradient: gradients[arena] as BufferHandle,
      firstMoment: firstMoments[arena] as BufferHandle,
      secondMoment: secondMoments[arena] as BufferHandle,
      ema: averages[arena],
    }));
    return new BoundParameters(this.layout, weights, gradients, arenas);
  }

  /** What a plan runs and does not train. */
  bindFrozen(builder: PlanBuilder): BoundParameters {
    return new BoundParameters(this.layout, this.#handles(builder, 'weights'));
  }

  #handles(builder: PlanBuilder, set: ParameterSet): readonly BufferHandle[] {
    return this.#buffers(set).map((buffer) => builder.existing(buffer));
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
    }
    buffers.forEach((buffer, arena) => {
      const values = new Float32Array(buffer.size / 4);
      for (const { name } of this.parameters) {
        const place = this.layout.place(name);
        if (place.arena === arena) copyParameter(place, values, tensors.get(name) as Float32Array, false);
      }
      this.#device.gpuDevice.queue.writeBuffer(buffer, 0, values);
    });
  }

  destroy(): void {
    for (const buffers of this.#sets.values()) for (const buffer of buffers) buffer.destroy();
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

/** The parameters as one plan binds them: trained, or frozen, which have no gradients. */
export class BoundParameters {
  readonly #layout: ParameterLayout;
  readonly #weights: readonly BufferHandle[];
  readonly #gradients: readonly BufferHandle[] | undefined;
  readonly #prefix: string;
  /** What the optimiser goes through; none where the parameters are frozen. */
  readonly arenas: readonly ParameterArena[];

  constructor(
    layout: ParameterLayout,
    weights: readonly BufferHandle[],
    gradients?: readonly BufferHandle[],
    arenas: readonly ParameterArena[] = [],
    prefix = '',
  ) {
    this.#layout = layout;
    this.#weights = weights;
    this.#gradients = gradients;
    this.arenas = arenas;
    this.#prefix = prefix;
  }

  get isFrozen(): boolean {
    return this.#gradients === undefined;
  }

  /** One of several networks that lie in one layout: those whose keys begin with the prefix, by the rest of their keys. */
  within(prefix: string): BoundParameters {
    return new BoundParameters(this.#layout, this.#weights, this.#gradients, this.arenas, this.#prefix + prefix);
  }

  matrix(key: string): TrainedMatrix {
    const block = this.#layout.matrix(this.#prefix + key);
    const { taps, inChannels, outChannels, rowStride, tapStride } = block;
    return { ...this.#bindings(block), taps, inChannels, outChannels, rowStride, tapStride };
  }

  vectors(key: string): TrainedVectors {
    const block = this.#layout.vectors(this.#prefix + key);
    return { ...this.#bindings(block), channels: block.channels, count: block.count };
  }

  #bindings({ arena, offset, elements }: ArenaBlock): { readonly weight: Binding; readonly gradient: Binding | undefined } {
    const range = { offset: offset * 4, bytes: elements * 4 };
    const binding = (buffers: readonly BufferHandle[]): Binding => ({ buffer: buffers[arena] as BufferHandle, ...range });
    return { weight: binding(this.#weights), gradient: this.#gradients && binding(this.#gradients) };
  }
}
