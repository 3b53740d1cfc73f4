import { OptionError } from '../../foundation/errors.js';
import { alignUp, createBuffer, OFFSET_ALIGNMENT, USAGE } from '../../runtime/buffers.js';
import type { ComputeDevice } from '../../runtime/device.js';
import type { Binding, PlanBuilder } from '../../runtime/plan-builder.js';
import { readBack } from '../../runtime/read-back.js';
import type { ParameterInfo, StepStatistics } from '../training-step.js';

/** A batch norm: channels, and what its names begin with, e.g. `diffusion.rgb_encoder.backbone.1`. */
export interface RunningNorm {
  readonly name: string;
  readonly channels: number;
}

/**
 * Running mean and variance of every batch norm, f32 in one buffer on the device: [mean | variance][channels] of each. They begin as PyTorch's, mean
 * 0 and variance 1, and the forward pass itself moves them.
 */
export class RunningStatistics implements StepStatistics {
  readonly #device: ComputeDevice;
  readonly #buffer: GPUBuffer;
  readonly #places: ReadonlyMap<string, { readonly offset: number; readonly channels: number }>;
  /** By LeRobot's names, in the order of the norms: mean, then variance. */
  readonly tensors: readonly ParameterInfo[];

  private constructor(
    device: ComputeDevice,
    buffer: GPUBuffer,
    places: ReadonlyMap<string, { readonly offset: number; readonly channels: number }>,
  ) {
    this.#device = device;
    this.#buffer = buffer;
    this.#places = places;
    this.tensors = [...places].flatMap(([name, { channels }]) =>
      ['running_mean', 'running_var'].map((part) => ({ name: `${name}.${part}`, shape: [channels] })),
    );
  }

  /** @throws DeviceLimitError where the device has too little memory. */
  static async create(device: ComputeDevice, norms: readonly RunningNorm[]): Promise<RunningStatistics> {
    const places = new Map<string, { readonly offset: number; readonly channels: number }>();
    let bytes = 0;
    for (const { name, channels } of norms) {
      places.set(name, { offset: bytes, channels });
      bytes += alignUp(8 * channels, OFFSET_ALIGNMENT);
    }
    const usage = USAGE.storage | USAGE.copySource | USAGE.copyDestination;
    const statistics = new RunningStatistics(device, await createBuffer(device, 'running statistics', bytes, usage), places);
    statistics.write(
      new Map(statistics.tensors.map(({ name, shape }) => [name, new Float32Array(shape[0] as number).fill(name.endsWith('var') ? 1 : 0)])),
    );
    return statistics;
  }

  get bytes(): number {
    return this.#buffer.size;
  }

  bind(builder: PlanBuilder): (name: string) => Binding {
    const buffer = builder.existing(this.#buffer);
    return (name) => {
      const place = this.#places.get(name);
      if (!place) throw new TypeError(`there are no running statistics of "${name}"`);
      return { buffer, offset: place.offset, bytes: 8 * place.channels };
    };
  }

  read(): Promise<Map<string, Float32Array>> {
    return readBack(this.#device, 'running statistics', this.#buffer, (bytes) => {
      const values = new Float32Array(bytes);
      return new Map(
        this.tensors.map(({ name }) => {
          const { first, count } = this.#range(name);
          return [name, values.slice(first, first + count)];
        }),
      );
    });
  }

  /** @throws OptionError where a tensor is missing, unknown, of another size, or no statistics: all are written, or none. */
  write(tensors: ReadonlyMap<string, Float32Array>): void {
    const unknown = [...tensors.keys()].find((name) => !this.tensors.some((tensor) => tensor.name === name));
    if (unknown !== undefined) throw new OptionError(`statistics: "${unknown}" are no running statistics of this network: leave them out.`);
    const values = new Float32Array(this.#buffer.size / 4);
    for (const { name } of this.tensors) {
      const { first, count } = this.#range(name);
      const found = tensors.get(name);
      if (!(found instanceof Float32Array) || found.length !== count) {
        throw new OptionError(
          `statistics: expected ${count} values of "${name}" in a Float32Array, found ${found instanceof Float32Array ? `${found.length} values` : 'none'}.`,
        );
      }
      const odd = found.findIndex((value) => !Number.isFinite(value) || (name.endsWith('var') && value < 0));
      if (odd >= 0) {
        throw new OptionError(
          `statistics: expected finite values of "${name}", none below 0 of a variance, found ${found[odd]} of channel ${odd}.`,
        );
      }
      values.set(found, first);
    }
    this.#device.gpuDevice.queue.writeBuffer(this.#buffer, 0, values);
  }

  destroy(): void {
    this.#buffer.destroy();
  }

  #range(tensor: string): { readonly first: number; readonly count: number } {
    const dot = tensor.lastIndexOf('.');
    const { offset, channels } = this.#places.get(tensor.slice(0, dot)) as { offset: number; channels: number };
    return { first: offset / 4 + (tensor.endsWith('var') ? channels : 0), count: channels };
  }
}
