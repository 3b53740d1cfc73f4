import { IMAGE_NETWORK_PREFIXES } from '../../checkpoints/predictor/small-encoder-tensors.js';
import { OptionError } from '../../foundation/errors.js';
import { shownValue } from '../../foundation/shown.js';
import { type DropoutPlan, planDropout, recordDrawMasks, siteTable } from '../../ops/backward/dropout.js';
import { recordMeanSquaredError } from '../../ops/backward/pointwise.js';
import { alignUp } from '../../runtime/buffers.js';
import type { ComputeDevice } from '../../runtime/device.js';
import type { Binding, BufferHandle } from '../../runtime/plan-builder.js';
import { newRows, type Rows } from '../../runtime/rows.js';
import { type CvaeShape, isProjected, type RawRows } from '../../spec/network-shapes.js';
import { checkBatchSize, checkCount, checkFinite, checkPart } from '../plan/batch-checks.js';
import { BatchLayout } from '../plan/batch-layout.js';
import { dropoutWrites } from '../plan/dropout-writes.js';
import { ParameterLayout } from '../plan/parameter-layout.js';
import { ParameterStore } from '../plan/parameter-store.js';
import type { PictureLayout } from '../plan/picture-packer.js';
import { type PackedBatch, PlannedTraining } from '../plan/planned-training.js';
import { RecordedStep, type StepRecorder } from '../plan/recorded-step.js';
import { Scratch } from '../plan/scratch.js';
import { ImageNetworkNames } from '../small-encoder/names.js';
import { addSmallEncoderRequests, smallEncoderParameters } from '../small-encoder/parameters.js';
import { checkPictures, PictureRows, packVectors, vectorsWidth } from '../small-encoder/picture-rows.js';
import type { ParameterSet, PredictorDropout, TrainingPrecision } from '../training-step.js';
import { cvaeParameters, cvaeRequests } from './parameters.js';
import { cvaeDropoutSites, recordCvaeBackward, recordCvaeForward } from './record.js';

/** A batch of a CVAE: `B × …` with B = `batchSize` rows, of which the first `count` count. */
export interface CvaeBatch {
  readonly count: number;
  /**
   * B × To · O: what the observations became, normalised, all frames; of a network with an image encoder of its own B × To · V, the vectors that
   * follow its features, in raw units.
   */
  readonly conditioning: Float32Array;
  /** Of such a network, by camera: B × To pictures of height × width × 3 bytes. */
  readonly pictures?: readonly Uint8Array[];
  /** B × H × D, normalised. */
  readonly actions: Float32Array;
  /** B × latentDim, standard normal: ε of latent = mean + σ ε. */
  readonly latent: Float32Array;
  /** κ: weight of the divergence in the loss. */
  readonly klWeight: number;
  /** Null, or what the STEP release drops by; BRIDGER's drops nothing. */
  readonly dropout: PredictorDropout | null;
}

export interface CvaeTrainingOptions {
  readonly shape: CvaeShape;
  /** Of a network with an image encoder of its own: what it reads in place of the policy's conditioning. Then `relu`, as in STEP's release. */
  readonly rows?: RawRows | undefined;
  /** Of its pictures. Default `hwc`. */
  readonly layout?: PictureLayout;
  readonly batchSize: number;
  /** Whether there is a moving average of the weights. */
  readonly ema: boolean;
  /** What weights are read as. Default f32. */
  readonly precision?: TrainingPrecision;
  /** Names of inner values that `runProbed` hands out. @internal */
  readonly probes?: Iterable<string>;
}

/** Weight of the mean squared error: 1 in STEP's release, 10 in BRIDGER's. */
export function reconstructionWeight({ activation }: Pick<CvaeShape, 'activation'>): number {
  return activation === 'elu' ? 10 : 1;
}

/** `joined`: [frames ; chunk], or, where frames are projected, `frames` and `chunk`, rows of their own. */
type Part = 'joined' | 'frames' | 'chunk' | 'latent' | 'target' | 'counts' | 'divergence';

/**
 * A CVAE compiled for training: loss = w · MSE over all values of a chunk + κ · KL(posterior ‖ N(0, I)), both means over the samples that
 * count, w = 1 (STEP's release, activation `relu`) or 10 (BRIDGER's, `elu`). Weights begin as zeros: write them.
 */
export class CvaeTraining extends PlannedTraining<CvaeBatch> {
  readonly #device: ComputeDevice;
  readonly #options: CvaeTrainingOptions;
  readonly #layout: BatchLayout<Part>;
  readonly #pictures: PictureRows | undefined;
  /** Of a network with an image encoder. */
  readonly #names: ImageNetworkNames | undefined;
  readonly #dropout: DropoutPlan | undefined;

  private constructor(
    device: ComputeDevice,
    options: CvaeTrainingOptions,
    step: RecordedStep,
    store: ParameterStore,
    layout: BatchLayout<Part>,
    pictures: PictureRows | undefined,
    dropout: DropoutPlan | undefined,
  ) {
    const { shape, rows, batchSize } = options;
    const names = rows && imageCvaeNames(shape, rows);
    super(step, store, batchSize, names?.parameters ?? store.parameters);
    this.#device = device;
    this.#options = options;
    this.#layout = layout;
    this.#pictures = pictures;
    this.#names = names;
    this.#dropout = dropout;
  }

  /** @throws OptionError for a network that cannot be trained; DeviceLimitError where the device is too small. */
  static async create(device: ComputeDevice, options: CvaeTrainingOptions): Promise<CvaeTraining> {
    const { shape, rows, batchSize, ema, precision, probes } = options;
    checkBatchSize(batchSize);
    const layout = batchLayout(shape, batchSize);
    const requests = cvaeRequests(shape);
    const stored = [...cvaeParameters(shape)];
    if (rows) {
      addSmallEncoderRequests(requests, rows.encoder);
      stored.push(...smallEncoderParameters(rows.encoder));
    }
    const { maxStorageBufferBindingSize } = device.limits;
    const parameters = new ParameterLayout(maxStorageBufferBindingSize, requests.matrices, requests.vectors, precision);
    const store = await ParameterStore.create(device, parameters, stored, ema);
    let pictures: PictureRows | undefined;
    try {
      const { observationSteps } = shape;
      if (rows) pictures = await PictureRows.create(device, { rows, batchSize, observationSteps, layout: options.layout });
      const recorded = { batchSize, lossCount: 2 * batchSize, batchWords: layout.words.length, ...(probes ? { probes } : {}) };
      let dropout: DropoutPlan | undefined;
      const step = await RecordedStep.compile(device, store, recorded, (recorder) => {
        dropout = record(recorder, options, layout, pictures);
      });
      const training = new CvaeTraining(device, options, step, store, layout, pictures, dropout);
      if (dropout) training.#write(dropout.table, siteTable(dropout));
      return training;
    } catch (error) {
      store.destroy();
      pictures?.destroy();
      throw error;
    }
  }

  override async read(set: ParameterSet): Promise<ReadonlyMap<string, Float32Array>> {
    const stored = await this.store.read(set);
    return this.#names ? this.#names.named(stored) : stored;
  }

  override write(set: ParameterSet, tensors: ReadonlyMap<string, Float32Array>): void {
    this.store.write(set, this.#names ? this.#names.alone(tensors) : tensors);
  }

  override dispose(): void {
    super.dispose();
    this.#pictures?.destroy();
  }

  protected prepare(batch: CvaeBatch): PackedBatch {
    this.#check(batch);
    const { count, conditioning, actions, latent, klWeight, dropout } = batch;
    const { shape, rows } = this.#options;
    const { latentDim, horizon, actionDim, observationSteps } = shape;
    const layout = this.#layout;
    const [frames, chunk] = [framesDim(shape), horizon * actionDim];
    layout.words.fill(0);
    const put = (part: Part, values: Float32Array, width: number, row: number, first = 0): void => {
      const words = layout.part(part);
      for (let b = 0; b < count; b++) words.set(values.subarray(b * width, (b + 1) * width), b * row + first);
    };
    const putFrames = (part: Part, row: number): void => {
      if (!rows) put(part, conditioning, frames, row);
      else {
        const begins = (frame: number): number => Math.floor(frame / observationSteps) * row + (frame % observationSteps) * rows.width;
        packVectors(rows, conditioning, layout.part(part), count * observationSteps, begins);
      }
    };
    if (isProjected(shape)) {
      putFrames('frames', alignUp(frames, 4));
      put('chunk', actions, chunk, alignUp(chunk, 4));
    } else {
      const row = alignUp(frames + chunk, 4);
      putFrames('joined', row);
      put('joined', actions, chunk, row, frames);
    }
    layout.part('latent').set(latent.subarray(0, count * latentDim));
    layout.part('target').set(actions.subarray(0, count * chunk));
    layout.part('counts').fill(reconstructionWeight(shape) / chunk, 0, count);
    layout.part('divergence').fill(klWeight, 0, count);
    if (this.#dropout) for (const [handle, words] of dropoutWrites(this.#dropout, dropout)) this.#write(handle, words);
    this.#pictures?.write(this.#device, this.plan, batch.pictures, count);
    return { words: layout.words, inverseCount: 1 / count };
  }

  #check({ count, conditioning, pictures, actions, latent, klWeight, dropout }: CvaeBatch): void {
    const { shape, rows } = this.#options;
    const { latentDim, horizon, actionDim, observationSteps } = shape;
    checkPictures(this.#pictures, pictures);
    checkCount(count, this.batchSize);
    const counts = { whole: this.batchSize, counted: count };
    for (const [name, values, size] of [
      ['conditioning', conditioning, rows ? observationSteps * vectorsWidth(rows) : framesDim(shape)],
      ['actions', actions, horizon * actionDim],
      ['latent', latent, latentDim],
    ] as const) {
      checkPart(name, values, Float32Array, size, counts);
      checkFinite(name, values, size, count);
    }
    if (typeof klWeight !== 'number' || !(klWeight >= 0 && klWeight < Infinity)) {
      throw new OptionError(`batch.klWeight: expected a finite number from 0 on, found ${shownValue(klWeight)}.`);
    }
    if (dropout && !this.#dropout) {
      throw new OptionError("batch.dropout: expected null, because BRIDGER's CVAE (activation elu) drops nothing; found a dropout.");
    }
  }

  #write(handle: BufferHandle, words: Uint32Array<ArrayBuffer>): void {
    this.#device.assertUsable();
    this.#device.gpuDevice.queue.writeBuffer(this.plan.gpuBuffer(handle), 0, words);
  }
}

/** Values of all frames: the condition, unless they are projected. */
function framesDim({ observationSteps, observationDim }: CvaeShape): number {
  return observationSteps * observationDim;
}

function batchLayout(shape: CvaeShape, batchSize: number): BatchLayout<Part> {
  const { latentDim, horizon, actionDim } = shape;
  const [frames, chunk] = [framesDim(shape), horizon * actionDim];
  const projected = isProjected(shape);
  return new BatchLayout<Part>({
    joined: projected ? 0 : batchSize * alignUp(frames + chunk, 4),
    frames: projected ? batchSize * alignUp(frames, 4) : 0,
    chunk: projected ? batchSize * alignUp(chunk, 4) : 0,
    latent: batchSize * latentDim,
    target: batchSize * chunk,
    counts: batchSize,
    divergence: batchSize,
  });
}

/** Names and parameters of a CVAE over pictures, as its file has them (docs/predictor-format.md). */
export function imageCvaeNames(shape: CvaeShape, rows: RawRows): ImageNetworkNames {
  return new ImageNetworkNames(rows.encoder, IMAGE_NETWORK_PREFIXES.cvae, cvaeParameters(shape));
}

function record(
  step: StepRecorder,
  { shape, batchSize }: CvaeTrainingOptions,
  layout: BatchLayout<Part>,
  pictures: PictureRows | undefined,
): DropoutPlan | undefined {
  const { builder, batch, losses } = step;
  const { horizon, actionDim, activation } = shape;
  const [frames, chunk] = [framesDim(shape), horizon * actionDim];
  const sites = cvaeDropoutSites(shape, batchSize);
  const dropout = sites.length > 0 ? planDropout(builder, sites) : undefined;
  const recorder = { ...step, scratch: new Scratch(builder), activation, dropout };
  const binding = (part: Part): Binding => ({ buffer: batch, ...layout.range(part) });
  const uploaded = (part: Part, channels: number): Rows => ({
    buffer: batch,
    batch: batchSize,
    length: 1,
    channels,
    offset: layout.range(part).offset / 4,
    stride: alignUp(channels, 4),
  });
  builder.segment('forward');
  if (dropout) recordDrawMasks(builder, dropout);
  const projected = isProjected(shape);
  const given = projected ? uploaded('frames', frames) : uploaded('joined', frames + chunk);
  // Frames have features of their pictures in front of their vectors.
  const front = pictures?.record(recorder, given);
  const read = front?.rows ?? given;
  const joined = projected ? { frames: read, chunk: uploaded('chunk', chunk) } : read;
  const tape = recordCvaeForward(recorder, shape, { joined, drawn: binding('latent') });
  builder.segment('backward');
  const doutput = newRows(builder, 'output gradients', batchSize, 1, chunk);
  const [target, counts] = [binding('target'), binding('counts')];
  recordMeanSquaredError(builder, { y: tape.output, target, counts, dy: doutput, losses, step: step.step });
  const onFrames = front && ((dframes: Rows): void => pictures?.recordBackward(recorder, front, dframes));
  recordCvaeBackward(recorder, tape, doutput, binding('divergence'), onFrames);
  return dropout;
}
