import { OptionError } from '../../foundation/errors.js';
import { packF16 } from '../../foundation/half.js';
import type { ParameterArena } from '../../ops/backward/optimizer.js';
import type { TrainedMatrix, TrainedVectors } from '../../ops/backward/trained-weights.js';
import { createBuffer, USAGE } from '../../runtime/buffers.js';
import type { ComputeDevice } from '../../runtime/device.js';
import type { Binding, BufferHandle, PlanBuilder } from '../../runtime/plan-builder.js';
import { readBack } from '../../runtime/read-back.js';
import type { ParameterInfo, ParameterSet } from '../training-step.js';
import { type ArenaBlock, copyParameter, elementCount, type ParameterLayout } from './parameter-layout.js';

/** Copies that every optimiser needs. */
const TRAINED_SETS: readonly ParameterSet[] = ['weights', 'gradients', 'firstMoment', 'secondMoment'];

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
    const halves = this.#halves.map((buffer) => builder.existing(buffer));
    const arenas = weights.map((weight, arena) => ({
      weight,
      gradient: gradients[arena] as BufferHandle,
      firstMoment: firstMoments[arena] as BufferHandle,
      secondMoment: secondMoments[arena] as BufferHandle,
      ema: averages[arena],
      halves: halves[arena],
    }));
    return new BoundParameters(this.layout, { weights, halves, gradients }, arenas);
  }

  /** What a plan runs and does not train. */
  bindFrozen(builder: PlanBuilder): BoundParameters {
    const halves = this.#halves.map((buffer) => builder.existing(buffer));
    return new BoundParameters(this.layout, { weights: this.#handles(builder, 'weights'), halves, gradients: undefined });
  }

  #handles(builder: PlanBuilder, set: ParameterSet): readonly BufferHandle[] {
    return this.#buffers(set).map((buffer) => builder.existing(buffer));
  }

  /** @throws OptionError for the moving average where there is none. */
  async read(set: ParameterSet): Promise<Map<string, Float32Array>> {
    const found = new Map<string, Float32Array>();
    for (const [arena, buffer] of this.#buffers(set).entries()) {
      await readBack(this.#device, set, buffer, (bytes) => {
        const values = new Float32Array(bytes);
        for (const { name, shape } of this.parameters) {
          const place = this.layout.place(name);
          if (place.arena !== arena) continue;
          const tensor = new Float32Array(elementCount(shape));
          copyParameter(place, values, tensor, true);
          found.set(name, tensor);
        }
      });
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

/** Buffers of the arenas, as one plan binds them. */
interface BoundArenas {
  readonly weights: readonly BufferHandle[];
  /** None where products read the weights themselves. */
  readonly halves: readonly BufferHandle[];
  /** Undefined where the parameters are frozen. */
  readonly gradients: readonly BufferHandle[] | undefined;
}

/** The parameters as one plan binds them: trained, or frozen, which have no gradients. */
export class BoundParameters {
  readonly #layout: ParameterLayout;
  readonly #buffers: BoundArenas;
  readonly #prefix: string;
  /** What the optimiser goes through; none where the parameters are frozen. */
  readonly arenas: readonly ParameterArena[];

  constructor(layout: ParameterLayout, buffers: BoundArenas, arenas: readonly ParameterArena[] = [], prefix = '') {
    this.#layout = layout;
    this.#buffers = buffers;
    this.arenas = arenas;
    this.#prefix = prefix;
  }

  get isFrozen(): boolean {
    return this.#buffers.gradients === undefined;
  }

  /** One of several networks that lie in one layout: those whose keys begin with the prefix, by the rest of their keys. */
  within(prefix: string): BoundParameters {
    return new BoundParameters(this.#layout, this.#buffers, this.arenas, this.#prefix + prefix);
  }

  matrix(key: string): TrainedMatrix {
    const block = this.#layout.matrix(this.#prefix + key);
    const { taps, inChannels, outChannels, rowStride, tapStride } = block;
    const bound = { ...this.#bindings(block), taps, inChannels, outChannels, rowStride, tapStride };
    const halves = this.#buffers.halves[block.arena];
    if (!halves) return bound;
    return { ...bound, halves: true, weight: { buffer: halves, offset: block.offset * 2, bytes: block.elements * 2 } };
  }

  vectors(key: string): TrainedVectors {
    const block = this.#layout.vectors(this.#prefix + key);
    return { ...this.#bindings(block), channels: block.channels, count: block.count };
  }

  #bindings({ arena, offset, elements }: ArenaBlock): { readonly weight: Binding; readonly gradient: Binding | undefined } {
    const range = { offset: offset * 4, bytes: elements * 4 };
    const binding = (buffers: readonly BufferHandle[]): Binding => ({ buffer: buffers[arena] as BufferHandle, ...range });
    const { weights, gradients } = this.#buffers;
    return { weight: binding(weights), gradient: gradients && binding(gradients) };
  }
}
