import { positionTable } from '../../checkpoints/predictor/write-predictor.js';
import { OptionError } from '../../foundation/errors.js';
import { shownValue } from '../../foundation/shown.js';
import { type DropoutPlan, recordDrawMasks, siteTable } from '../../ops/backward/dropout.js';
import { recordMeanSquaredError } from '../../ops/backward/pointwise.js';
import { alignUp } from '../../runtime/buffers.js';
import type { ComputeDevice } from '../../runtime/device.js';
import type { BufferHandle } from '../../runtime/plan-builder.js';
import { newRows, type Rows } from '../../runtime/rows.js';
import type { PredictorShape, RawRows } from '../../spec/network-shapes.js';
import { checkBatchSize } from '../plan/batch-checks.js';
import { dropoutWrites } from '../plan/dropout-writes.js';
import { ParameterLayout } from '../plan/parameter-layout.js';
import { ParameterStore } from '../plan/parameter-store.js';
import type { PictureLayout } from '../plan/picture-packer.js';
import { type PackedBatch, PlannedTraining } from '../plan/planned-training.js';
import { RecordedStep, type StepRecorder } from '../plan/recorded-step.js';
import { Scratch } from '../plan/scratch.js';
import type { ImageNetworkNames } from '../small-encoder/names.js';
import { checkPictures, PictureRows } from '../small-encoder/picture-rows.js';
import type { ParameterSet, PredictorBatch, TrainingPrecision } from '../training-step.js';
import { PredictorBatchPacker } from './batch.js';
import { predictorRecorder } from './blocks.js';
import { predictorDropoutSites } from './dropout-sites.js';
import { addFrontRequests, imagePredictorNames, recordFront } from './image-front.js';
import { joinParameters, predictorParameters, predictorRequests, splitParameters, storedParameters } from './parameters.js';
import { recordPredictorBackward, recordPredictorForward } from './record.js';

/** Position tables of a checkpoint, f32 [rows][modelDim] with at least as many rows as the network reads. */
export interface PositionTables {
  readonly action: Float32Array;
  readonly observation: Float32Array;
}

export interface PredictorTrainingOptions {
  readonly shape: PredictorShape;
  /** Of a network with an image encoder of its own: what it reads in place of the policy's conditioning. */
  readonly rows?: RawRows | undefined;
  /** Of its pictures. Default `hwc`. */
  readonly layout?: PictureLayout;
  readonly batchSize: number;
  /** Whether there is a moving average of the weights. */
  readonly ema: boolean;
  /** Not trained. Default: those of the reference, sines and cosines. */
  readonly positions?: PositionTables;
  /** How products read weights. Default f32. */
  readonly precision?: TrainingPrecision;
  /** Names of inner values that `runProbed` hands out. @internal */
  readonly probes?: Iterable<string>;
}

/** Buffers that are written from outside of the recorded step. */
interface Written {
  readonly dropout: DropoutPlan;
  readonly actionPositions: BufferHandle;
  readonly observationPositions: BufferHandle;
}

/**
 * The STEP predictor compiled for training: plain regression of chunks, the mean of squared differences over all elements of the samples that
 * count. Dropout as the reference has it, with masks drawn on the device from a key of (seed, step). Weights begin as zeros: write
 * them.
 */
export class PredictorTraining extends PlannedTraining<PredictorBatch> {
  readonly #device: ComputeDevice;
  readonly #shape: PredictorShape;
  readonly #packer: PredictorBatchPacker;
  readonly #pictures: PictureRows | undefined;
  /** Of a network with an image encoder. */
  readonly #names: ImageNetworkNames | undefined;
  readonly #written: Written;

  private constructor(
    device: ComputeDevice,
    { shape, rows, batchSize }: PredictorTrainingOptions,
    step: RecordedStep,
    store: ParameterStore,
    packer: PredictorBatchPacker,
    pictures: PictureRows | undefined,
    written: Written,
  ) {
    const names = rows && imagePredictorNames(shape, rows);
    super(step, store, batchSize, names?.parameters ?? predictorParameters(shape));
    this.#device = device;
    this.#shape = shape;
    this.#packer = packer;
    this.#pictures = pictures;
    this.#names = names;
    this.#written = written;
  }

  /** @throws OptionError for a network that cannot be trained; DeviceLimitError where the device is too small. */
  static async create(device: ComputeDevice, options: PredictorTrainingOptions): Promise<PredictorTraining> {
    const { shape, rows, batchSize, ema, precision } = options;
    checkBatchSize(batchSize);
    const tables = checkedPositions(options);
    const packer = new PredictorBatchPacker(shape, batchSize, rows);
    const requests = predictorRequests(shape);
    const stored = [...storedParameters(shape)];
    if (rows) stored.push(...addFrontRequests(requests, shape, rows));
    const { maxStorageBufferBindingSize } = device.limits;
    const layout = new ParameterLayout(maxStorageBufferBindingSize, requests.matrices, requests.vectors, precision);
    const store = await ParameterStore.create(device, layout, stored, ema);
    let pictures: PictureRows | undefined;
    try {
      const { observationSteps } = shape;
      if (rows) pictures = await PictureRows.create(device, { rows, batchSize, observationSteps, layout: options.layout });
      const recorded = { batchSize, batchWords: packer.words, ...(options.probes ? { probes: options.probes } : {}) };
      let written: Written | undefined;
      const step = await RecordedStep.compile(device, store, recorded, (recorder) => {
        written = record(recorder, options, packer, pictures);
      });
      const training = new PredictorTraining(device, options, step, store, packer, pictures, written as unknown as Written);
      training.#writeTables(tables);
      return training;
    } catch (error) {
      store.destroy();
      pictures?.destroy();
      throw error;
    }
  }

  override async read(set: ParameterSet): Promise<ReadonlyMap<string, Float32Array>> {
    const stored = await this.store.read(set);
    const joined = joinParameters(this.#shape, stored);
    return this.#names ? this.#names.named(new Map([...stored, ...joined])) : joined;
  }

  override write(set: ParameterSet, tensors: ReadonlyMap<string, Float32Array>): void {
    this.store.write(set, splitParameters(this.#shape, this.#names ? this.#names.alone(tensors) : tensors));
  }

  override dispose(): void {
    super.dispose();
    this.#pictures?.destroy();
  }

  protected prepare(batch: PredictorBatch): PackedBatch {
    const packed = this.#packer.pack(batch);
    checkPictures(this.#pictures, batch.pictures);
    for (const [handle, words] of dropoutWrites(this.#written.dropout, batch.dropout)) this.#write(handle, words);
    this.#pictures?.write(this.#device, this.plan, batch.pictures, batch.count);
    return packed;
  }

  #writeTables({ action, observation }: PositionTables): void {
    const { dropout, actionPositions, observationPositions } = this.#written;
    this.#write(dropout.table, siteTable(dropout));
    this.#write(actionPositions, Float32Array.from(action.subarray(0, actionPositions.bytes / 4)));
    this.#write(observationPositions, Float32Array.from(observation.subarray(0, observationPositions.bytes / 4)));
  }

  #write(handle: BufferHandle, words: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>): void {
    this.#device.assertUsable();
    this.#device.gpuDevice.queue.writeBuffer(this.plan.gpuBuffer(handle), 0, words);
  }
}

/** Rows that the network reads of each table. */
function tableRows({ horizon, historySteps, observationSteps }: PredictorShape): { readonly action: number; readonly observation: number } {
  return { action: Math.max(horizon, historySteps), observation: observationSteps };
}

function checkedPositions({ shape, positions }: PredictorTrainingOptions): PositionTables {
  const rows = tableRows(shape);
  const { modelDim } = shape;
  if (!positions) return { action: positionTable(rows.action, modelDim), observation: positionTable(rows.observation, modelDim) };
  for (const name of ['action', 'observation'] as const) {
    const table: unknown = positions[name];
    if (!(table instanceof Float32Array) || table.length < rows[name] * modelDim) {
      throw new OptionError(
        `positions.${name}: expected at least ${rows[name]} × ${modelDim} values in a Float32Array, found ` +
          `${table instanceof Float32Array ? `${table.length} values` : shownValue(table)}.`,
      );
    }
  }
  return positions;
}

function record(
  step: StepRecorder,
  { shape, rows: raw, batchSize }: PredictorTrainingOptions,
  packer: PredictorBatchPacker,
  pictures: PictureRows | undefined,
): Written {
  const { builder, batch, losses } = step;
  const { horizon, actionDim, observationDim, historySteps, observationSteps, modelDim } = shape;
  const recorder = predictorRecorder({ ...step, scratch: new Scratch(builder) }, shape.heads, predictorDropoutSites(shape, batchSize));
  const uploaded = (part: 'history' | 'observations', length: number, channels: number): Rows => {
    const stride = alignUp(channels, 4);
    return { buffer: batch, batch: batchSize, length, channels, offset: packer.range(part).offset / 4, stride };
  };
  const rows = tableRows(shape);
  const actionPositions = builder.buffer('action positions', rows.action * modelDim * 4);
  const observationPositions = builder.buffer('observation positions', rows.observation * modelDim * 4);
  builder.segment('forward');
  recordDrawMasks(builder, recorder.dropout);
  const given = uploaded('observations', observationSteps, raw?.width ?? observationDim);
  const front = raw && pictures && recordFront(recorder, shape, raw, pictures, given);
  const tape = recordPredictorForward(recorder, shape, {
    history: uploaded('history', historySteps, actionDim),
    observations: front?.tokens ?? given,
    actionPositions,
    observationPositions,
  });
  builder.segment('backward');
  const doutput = newRows(builder, 'output gradients', batchSize, horizon, actionDim);
  const target = { buffer: batch, ...packer.range('target') };
  const counts = { buffer: batch, ...packer.range('counts') };
  recordMeanSquaredError(builder, { y: tape.output, target, counts, dy: doutput, losses, step: step.step });
  const dtokens = front && recorder.scratch.take(batchSize, observationSteps, observationDim);
  recordPredictorBackward(recorder, tape, doutput, dtokens);
  if (front && dtokens) front.recordBackward(dtokens);
  return { dropout: recorder.dropout, actionPositions, observationPositions };
}
