import type { WeightLoader, WeightSource } from '../../src/ops/weight-source.js';
import { createBuffer, USAGE } from '../../src/runtime/buffers.js';
import { compilePlan } from '../../src/runtime/compile-plan.js';
import type { ComputeDevice } from '../../src/runtime/device.js';
import { type BufferHandle, PlanBuilder } from '../../src/runtime/plan-builder.js';
import type { OffsetValues } from '../../src/runtime/step-offsets.js';
import { channelsFirst, type Tensor, tokens } from '../../src/runtime/tensor.js';
import { Uploader } from '../../src/runtime/uploader.js';
import type { Precision } from '../../src/spec/precision.js';
import { type Values, zeros } from './values.js';

/** What a test records ops on: a plan builder, contents for its buffers, and the tensors to be read back. */
export interface OpRecorder {
  readonly builder: PlanBuilder;
  /** Loads weights from named tensors in memory. */
  loader(tensors: Readonly<Record<string, Float32Array>>, precision?: Precision): WeightLoader;
  /** A new tensor that holds these values, in the given order of the buffer. */
  input(values: Values, order?: TensorOrder): Tensor;
  /** A new tensor, read back under `name` after the run. Values that no op writes are read as NaN. */
  output(name: string, batch: number, channels: number, length: number, order?: TensorOrder): Tensor;
  /** Fills a tensor of any layout: only the elements that belong to it. */
  write(tensor: Tensor, values: Values): void;
  /** Reads a tensor of any layout back under `name`. */
  read(name: string, tensor: Tensor): void;
  /** A new buffer with these words. */
  buffer(label: string, words: Float32Array | Uint32Array): BufferHandle;
  /** Reads a whole buffer back under `name`, as words. */
  readWords(name: string, buffer: BufferHandle): void;
}

/** [b][channels][length], or [b][length][channels]. */
export type TensorOrder = 'channels-first' | 'tokens';

export interface OpResults {
  /** The values of a tensor that was read, in the order [b][channels][length]. */
  values(name: string): Values;
  words(name: string): Uint32Array;
}

export interface RunOpOptions {
  /** The ops are run once for each entry: bytes by the names of the builder's step offsets, 0 where there is no entry. */
  readonly steps?: readonly Readonly<Record<string, number>>[];
  /** Names of probes that the builder wants. */
  readonly probes?: readonly string[];
}

/** Records ops, compiles them, runs them, and reads back what the test asked for. */
export async function runOp(
  device: ComputeDevice,
  record: (op: OpRecorder) => void | Promise<void>,
  { steps = [{}], probes = [] }: RunOpOptions = {},
): Promise<OpResults> {
  const uploader = new Uploader(device);
  const builder = new PlanBuilder(device, probes);
  builder.segment('test');
  const contents = new Map<BufferHandle, Float32Array | Uint32Array>();
  const reads = new Map<string, { readonly buffer: BufferHandle; readonly tensor?: Tensor }>();

  const floats = (buffer: BufferHandle): Float32Array => {
    const found = contents.get(buffer) ?? new Float32Array(buffer.bytes / 4).fill(NaN);
    contents.set(buffer, found);
    return found as Float32Array;
  };
  const create = (label: string, batch: number, channels: number, length: number, order: TensorOrder): Tensor =>
    order === 'tokens' ? tokens(builder, label, batch, length, channels) : channelsFirst(builder, label, batch, channels, length);
  const op: OpRecorder = {
    builder,
    loader: (tensors, precision = 'f32') => ({ source: memoryWeights(tensors), uploader, precision }),
    input: (values, order = 'channels-first') => {
      const tensor = create('input', values.batch, values.channels, values.length, order);
      op.write(tensor, values);
      return tensor;
    },
    output: (name, batch, channels, length, order = 'channels-first') => {
      const tensor = create(name, batch, channels, length, order);
      op.read(name, tensor);
      return tensor;
    },
    write: (tensor, values) => {
      const buffer = floats(tensor.buffer);
      forEachElement(tensor, (element, index) => (buffer[element] = values.data[index] as number));
    },
    read: (name, tensor) => {
      floats(tensor.buffer);
      reads.set(name, { buffer: tensor.buffer, tensor });
    },
    buffer: (label, words) => {
      const handle = builder.buffer(label, words.byteLength);
      contents.set(handle, words);
      return handle;
    },
    readWords: (name, buffer) => void reads.set(name, { buffer }),
  };

  try {
    await record(op);
    const plan = await compilePlan(device, builder);
    try {
      const { queue } = device.gpuDevice;
      for (const [handle, words] of contents) queue.writeBuffer(plan.gpuBuffer(handle), 0, words.slice());
      const encoder = device.gpuDevice.createCommandEncoder();
      plan.encode(
        encoder,
        steps.map((bytes) => ({ segment: 'test', offsets: offsetsOf(builder, bytes) })),
      );
      const handles = [...new Set([...reads.values()].map(({ buffer }) => buffer))];
      const copies = await readBack(
        device,
        encoder,
        handles.map((handle) => ({ buffer: plan.gpuBuffer(handle), bytes: handle.bytes })),
      );
      const results = new Map(handles.map((handle, index) => [handle, copies[index] as ArrayBuffer]));
      return opResults(reads, results);
    } finally {
      plan.destroy();
    }
  } finally {
    uploader.destroy();
  }
}

function offsetsOf(builder: PlanBuilder, bytes: Readonly<Record<string, number>>): OffsetValues {
  const values = builder.offsetValues();
  for (const [name, offset] of Object.entries(bytes)) {
    const slot = builder.offsets.find((known) => known.name === name);
    if (!slot) throw new Error(`the test has no step offset "${name}"`);
    values.set(slot, offset);
  }
  return values;
}

/** Named tensors in memory. As in a checkpoint, an array that was read may be overwritten by the next read. */
export function memoryWeights(tensors: Readonly<Record<string, Float32Array>>): WeightSource {
  let scratch = new Float32Array(0);
  return {
    readFloats: async (name) => {
      const tensor = tensors[name];
      if (!tensor) throw new Error(`the test has no tensor "${name}"`);
      scratch.fill(NaN);
      return (scratch = tensor.slice());
    },
    locate: (name) => `tensor "${name}" of the test`,
  };
}

function forEachElement(tensor: Tensor, visit: (element: number, index: number) => void): void {
  const { layout, batch, channels, length } = tensor;
  let index = 0;
  for (let b = 0; b < batch; b++) {
    for (let c = 0; c < channels; c++) {
      for (let t = 0; t < length; t++) {
        visit(layout.offset + b * layout.batchStride + c * layout.channelStride + t * layout.timeStride, index++);
      }
    }
  }
}

async function readBack(
  device: ComputeDevice,
  encoder: GPUCommandEncoder,
  sources: readonly { readonly buffer: GPUBuffer; readonly bytes: number }[],
): Promise<ArrayBuffer[]> {
  const total = sources.reduce((sum, { bytes }) => sum + bytes, 0);
  const target = await createBuffer(device, 'read-back of a test', total, USAGE.mapRead | USAGE.copyDestination);
  let offset = 0;
  const ranges = sources.map(({ buffer, bytes }) => {
    encoder.copyBufferToBuffer(buffer, 0, target, offset, bytes);
    offset += bytes;
    return [offset - bytes, offset] as const;
  });
  device.gpuDevice.queue.submit([encoder.finish()]);
  await device.settle(target.mapAsync(1));
  const mapped = target.getMappedRange();
  const copies = ranges.map(([first, end]) => mapped.slice(first, end));
  target.destroy();
  return copies;
}

function opResults(
  reads: ReadonlyMap<string, { readonly buffer: BufferHandle; readonly tensor?: Tensor }>,
  results: ReadonlyMap<BufferHandle, ArrayBuffer>,
): OpResults {
  const find = (name: string): { readonly bytes: ArrayBuffer; readonly tensor: Tensor | undefined } => {
    const read = reads.get(name);
    const bytes = read && results.get(read.buffer);
    if (!bytes) throw new Error(`the test did not read "${name}"`);
    return { bytes, tensor: read.tensor };
  };
  return {
    words: (name) => new Uint32Array(find(name).bytes),
    values: (name) => {
      const { bytes, tensor } = find(name);
      if (!tensor) throw new Error(`"${name}" was read as words`);
      const buffer = new Float32Array(bytes);
      const values = zeros(tensor.batch, tensor.channels, tensor.length);
      forEachElement(tensor, (element, index) => (values.data[index] = buffer[element] as number));
      return values;
    },
  };
}
