import { createBuffer, isTexture, MAP_READ, USAGE } from '../runtime/buffers.js';
import { compilePlan } from '../runtime/compile-plan.js';
import type { ComputeDevice } from '../runtime/device.js';
import type { Plan, SegmentRun } from '../runtime/plan.js';
import { type Binding, type BufferHandle, PlanBuilder } from '../runtime/plan-builder.js';
import type { OffsetValues } from '../runtime/step-offsets.js';
import { copyBytes, writeTexels } from '../runtime/texture-rows.js';
import type { Uploader } from '../runtime/uploader.js';
import { fillValues } from '../synthetic/fill.js';
import type { RecordedConvolution } from './record-network.js';

/** Bytes of weights that repetitions take turns with: more than caches hold, as in a decision. */
const ROTATION_BYTES = 256 << 20;
const MOST_TURNS = 16;
/** A prime: no two blocks of weights are alike, so that a kernel that reads the wrong one is found out. */
const PIECE_WORDS = 65_521;

/** Sets of random weights that all variants of a convolution read. */
export async function uploadTurns(uploader: Uploader, { dispatch }: RecordedConvolution): Promise<(GPUBuffer | GPUTexture)[]> {
  const index = dispatch.kernel.bindings.findIndex(({ name }) => name === 'weight');
  const handle = dispatch.bindings[index]?.buffer;
  if (!handle) throw new TypeError(`${dispatch.kernel.label} reads no weights`);
  const { label, bytes, existing } = handle;
  const piece = weightWords(/ f32\b/.test(dispatch.variant ?? ''));
  const turns = Math.max(1, Math.min(MOST_TURNS, Math.floor(ROTATION_BYTES / bytes)));
  return Promise.all(
    Array.from({ length: turns }, (_, turn) => {
      const fill = (words: Uint32Array, first: number): void => {
        for (let at = 0; at < words.length; ) {
          const start = (first + at + turn) % PIECE_WORDS;
          const count = Math.min(PIECE_WORDS - start, words.length - at);
          words.set(piece.subarray(start, start + count), at);
          at += count;
        }
      };
      return existing && isTexture(existing)
        ? uploader.uploadTexture(label, existing.width, bytes / 4, fill)
        : uploader.upload(label, bytes / 4, fill);
    }),
  );
}

/** Small f32 of both signs; or words that are two halves in 2^-7 … 2^-3 and, read as bytes, integers of both signs. */
function weightWords(floats: boolean): Uint32Array {
  const values = new Float32Array(PIECE_WORDS);
  fillValues({ kind: 'uniform', bound: 1, seed: 1 }, 0, values);
  if (floats) return new Uint32Array(values.buffer);
  const words = Uint32Array.from(values, (value) => Math.floor((value + 1) * 2 ** 31));
  return words.map((word) => ((word & 0x8fff8fff) | 0x20002000) >>> 0);
}

/** One variant of a convolution, compiled, over activations of its own. */
export class Entrant {
  readonly #device: ComputeDevice;
  readonly #plan: Plan;
  readonly #turns: number;
  readonly #outputs: readonly BufferHandle[];
  /** All 0: any row of a table takes as long. */
  readonly #offsets: OffsetValues;
  #turn = 0;

  private constructor(device: ComputeDevice, plan: Plan, turns: number, outputs: readonly BufferHandle[], offsets: OffsetValues) {
    this.#device = device;
    this.#plan = plan;
    this.#turns = turns;
    this.#outputs = outputs;
    this.#offsets = offsets;
  }

  /** @throws ShaderError where the variant does not compile. */
  static async compile(device: ComputeDevice, found: RecordedConvolution, weights: readonly (GPUBuffer | GPUTexture)[]): Promise<Entrant> {
    const {
      dispatch: { kernel, bindings, workgroups },
      shapes,
    } = found;
    const builder = new PlanBuilder(device);
    const own = new Map<BufferHandle, BufferHandle>();
    const outputs = new Set<BufferHandle>();
    const connect = (binding: Binding, index: number, weight: GPUBuffer | GPUTexture): Binding => {
      const { buffer, stepOffset, offset = 0, bytes = buffer.bytes - offset } = binding;
      if (buffer === shapes.buffer) return builder.shape([...shapes.words.subarray(offset / 4, (offset + bytes) / 4)]);
      const { name, access } = kernel.bindings[index] ?? {};
      if (name === 'weight') return { buffer: builder.existing(weight) };
      const copy = own.get(buffer) ?? builder[buffer.texture ? 'texture' : 'buffer'](buffer.label, buffer.bytes);
      own.set(buffer, copy);
      if (access === 'read_write' || access === 'texture_write') outputs.add(copy);
      return { ...binding, buffer: copy, ...(stepOffset ? { stepOffset: builder.offset(stepOffset.name) } : {}) };
    };
    weights.forEach((weight, turn) => {
      builder.segment(`turn ${turn}`);
      builder.dispatch(
        kernel,
        bindings.map((binding, index) => connect(binding, index, weight)),
        workgroups,
      );
    });
    const plan = await compilePlan(device, builder);
    [...own.values()].forEach((handle, seed) => {
      const values = new Float32Array(handle.bytes / 4);
      fillValues({ kind: 'uniform', bound: 1, seed }, 0, values);
      const { queue } = device.gpuDevice;
      const resource = plan.resource(handle);
      if (isTexture(resource)) writeTexels(queue, resource, 0, new Uint32Array(values.buffer));
      else queue.writeBuffer(resource, 0, values);
    });
    return new Entrant(device, plan, weights.length, [...outputs], builder.offsetValues());
  }

  /** Everything that one run over the first set of weights writes. */
  async compute(): Promise<Float32Array[]> {
    const { gpuDevice } = this.#device;
    const bytes = this.#outputs.reduce((sum, handle) => sum + handle.bytes, 0);
    const readback = await createBuffer(this.#device, 'outputs read back', bytes, USAGE.mapRead | USAGE.copyDestination);
    try {
      const encoder = gpuDevice.createCommandEncoder({ label: 'check' });
      this.#plan.encode(encoder, [{ segment: 'turn 0', offsets: this.#offsets }]);
      let end = 0;
      for (const handle of this.#outputs) {
        const { bytes: length } = handle;
        copyBytes(encoder, { source: this.#plan.resource(handle), offset: 0, bytes: length }, { buffer: readback, offset: end });
        end += handle.bytes;
      }
      gpuDevice.queue.submit([encoder.finish()]);
      await this.#device.settle(readback.mapAsync(MAP_READ));
      const mapped = readback.getMappedRange();
      let first = 0;
      return this.#outputs.map((handle) => new Float32Array(mapped.slice(first, (first += handle.bytes))));
    } finally {
      readback.destroy();
    }
  }

  /** Milliseconds from the submit of `count` dispatches to their end; they wait for each other, as they write the same. */
  async run(count: number): Promise<number> {
    const { gpuDevice } = this.#device;
    const encoder = gpuDevice.createCommandEncoder({ label: 'tuning' });
    const runs = Array.from(
      { length: count },
      (): SegmentRun => ({ segment: `turn ${this.#turn++ % this.#turns}`, offsets: this.#offsets }),
    );
    this.#plan.encode(encoder, runs);
    const commands = encoder.finish();
    const started = performance.now();
    gpuDevice.queue.submit([commands]);
    await this.#device.settle(gpuDevice.queue.onSubmittedWorkDone());
    return performance.now() - started;
  }

  destroy(): void {
    this.#plan.destroy();
  }
}
