import { type DropoutPlan, planDropout, siteTable } from '../../ops/backward/dropout.js';
import type { ComputeDevice } from '../../runtime/device.js';
import type { BufferHandle } from '../../runtime/plan-builder.js';
import { checkBatchSize } from '../plan/batch-checks.js';
import { dropoutWrites } from '../plan/dropout-writes.js';
import { ParameterLayout } from '../plan/parameter-layout.js';
import { ParameterStore } from '../plan/parameter-store.js';
import { type PackedBatch, PlannedTraining } from '../plan/planned-training.js';
import { RecordedStep } from '../plan/recorded-step.js';
import { Scratch } from '../plan/scratch.js';
import type { TrainingPrecision } from '../training-step.js';
import { BatchParts } from './batch-parts.js';
import type { Method, NetworkParameters } from './method.js';

export interface MethodTrainingOptions {
  /** Whether there is a moving average of the weights. */
  readonly ema: boolean;
  /** How products read weights. Default f32. */
  readonly precision?: TrainingPrecision | undefined;
  /** Parameters that were made before, because another network's plan reads them (`methodParameters`); disposed of with the step. */
  readonly store?: ParameterStore;
  /** Names of inner values that `runProbed` hands out. @internal */
  readonly probes?: Iterable<string>;
}

/** A method compiled for training; see Method. Weights begin as zeros: write them. */
export class MethodTraining<Batch> extends PlannedTraining<Batch> {
  readonly #device: ComputeDevice;
  readonly #method: Method<Batch>;
  readonly #parts: BatchParts;
  readonly #dropout: DropoutPlan | undefined;

  private constructor(
    device: ComputeDevice,
    step: RecordedStep,
    store: ParameterStore,
    method: Method<Batch>,
    parts: BatchParts,
    dropout: DropoutPlan | undefined,
  ) {
    super(step, store, method.batchSize);
    this.#device = device;
    this.#method = method;
    this.#parts = parts;
    this.#dropout = dropout;
    if (dropout) this.#write(dropout.table, siteTable(dropout));
  }

  /** @throws OptionError for a network that cannot be trained; DeviceLimitError where the device is too small. */
  static async create<Batch, Part extends string>(
    device: ComputeDevice,
    method: Method<Batch, Part>,
    { ema, probes, precision, store: given }: MethodTrainingOptions,
  ): Promise<MethodTraining<Batch>> {
    const { batchSize, lossCount } = method;
    checkBatchSize(batchSize);
    const parts = new BatchParts<Part>(method.parts);
    const store = given ?? (await methodParameters(device, method.network, ema, precision));
    try {
      const recorded = { batchSize, lossCount, batchWords: parts.words.length, ...(probes ? { probes } : {}) };
      let dropout: DropoutPlan | undefined;
      const step = await RecordedStep.compile(device, store, recorded, (recorder) => {
        dropout = method.dropout && planDropout(recorder.builder, method.dropout.sites);
        const pass = { ...recorder, scratch: new Scratch(recorder.builder) };
        method.record(
          {
            ...pass,
            rows: (part) => parts.rows(recorder.batch, part),
            values: (part) => parts.binding(recorder.batch, part),
            frozen: (parameters) => ({ ...pass, parameters }),
            dropout,
          },
          store,
        );
      });
      return new MethodTraining(device, step, store, method as unknown as Method<Batch>, parts as unknown as BatchParts, dropout);
    } catch (error) {
      store.destroy();
      throw error;
    }
  }

  protected prepare(batch: Batch): PackedBatch {
    const { words } = this.#parts;
    words.fill(0);
    const inverseCount = this.#method.pack(batch, this.#parts);
    if (this.#dropout && this.#method.dropout) {
      for (const [handle, values] of dropoutWrites(this.#dropout, this.#method.dropout.of(batch))) this.#write(handle, values);
    }
    return { inverseCount, words };
  }

  #write(handle: BufferHandle, words: Uint32Array<ArrayBuffer>): void {
    this.#device.assertUsable();
    this.#device.gpuDevice.queue.writeBuffer(this.plan.gpuBuffer(handle), 0, words);
  }
}

/** Parameters of a network that is trained, zeros. @throws DeviceLimitError where the device has too little memory. */
export function methodParameters(
  device: ComputeDevice,
  network: NetworkParameters,
  ema: boolean,
  precision?: TrainingPrecision,
): Promise<ParameterStore> {
  return ParameterStore.create(device, layoutOf(device, network, precision), network.parameters, ema);
}

/** A network that methods run and do not train, with these weights. @throws OptionError where a tensor is missing or of another size. */
export async function frozenNetwork(
  device: ComputeDevice,
  network: NetworkParameters,
  weights: ReadonlyMap<string, Float32Array>,
): Promise<ParameterStore> {
  const store = await ParameterStore.frozen(device, layoutOf(device, network), network.parameters);
  try {
    store.write('weights', weights);
    return store;
  } catch (error) {
    store.destroy();
    throw error;
  }
}

function layoutOf(device: ComputeDevice, { requests }: NetworkParameters, precision?: TrainingPrecision): ParameterLayout {
  const { maxStorageBufferBindingSize, maxBufferSize } = device.limits;
  return new ParameterLayout(Math.min(maxStorageBufferBindingSize, maxBufferSize), requests.matrices, requests.vectors, precision);
}
