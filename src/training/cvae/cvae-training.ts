import { OptionError } from '../../foundation/errors.js';
import { shownValue } from '../../foundation/shown.js';
import { type DropoutPlan, planDropout, recordDrawMasks, siteTable } from '../../ops/backward/dropout.js';
import { recordMeanSquaredError } from '../../ops/backward/pointwise.js';
import { alignUp } from '../../runtime/buffers.js';
import type { ComputeDevice } from '../../runtime/device.js';
import type { Binding, BufferHandle } from '../../runtime/plan-builder.js';
import { newRows, type Rows } from '../../runtime/rows.js';
import { type CvaeShape, isProjected } from '../../spec/network-shapes.js';
import { checkBatchSize, checkCount, checkFinite, checkPart } from '../plan/batch-checks.js';
import { BatchLayout } from '../plan/batch-layout.js';
import { dropoutWrites } from '../plan/dropout-writes.js';
import { ParameterStore } from '../plan/parameter-store.js';
import { type PackedBatch, PlannedTraining } from '../plan/planned-training.js';
import { RecordedStep, type StepRecorder } from '../plan/recorded-step.js';
import { Scratch } from '../plan/scratch.js';
import type { PredictorDropout, TrainingPrecision } from '../training-step.js';
import { cvaeLayout, cvaeParameters } from './parameters.js';
import { cvaeDropoutSites, recordCvaeBackward, recordCvaeForward } from './record.js';

/** A batch of a CVAE: `B × …` with B = `batchSize` rows, of which the first `count` count. */
export interface CvaeBatch {
  readonly count: number;
  /** B × To · O: what the observations became, normalised, all frames. */
  readonly conditioning: Float32Array;
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
  readonly #shape: CvaeShape;
  readonly #layout: BatchLayout<Part>;
  readonly #dropout: DropoutPlan | undefined;

  private constructor(
    device: ComputeDevice,
    { shape, batchSize }: CvaeTrainingOptions,
    step: RecordedStep,
    store: ParameterStore,
    layout: BatchLayout<Part>,
    dropout: DropoutPlan | undefined,
  ) {
    super(step, store, batchSize);
    this.#device = device;
    this.#shape = shape;
    this.#layout = layout;
    this.#dropout = dropout;
  }

  /** @throws OptionError for a network that cannot be trained; DeviceLimitError where the device is too small. */
  static async create(device: ComputeDevice, options: CvaeTrainingOptions): Promise<CvaeTraining> {
    const { shape, batchSize, ema, probes } = options;
    checkBatchSize(batchSize);
    const layout = batchLayout(shape, batchSize);
    const parameters = cvaeLayout(shape, device.limits.maxStorageBufferBindingSize, options.precision);
    const store = await ParameterStore.create(device, parameters, cvaeParameters(shape), ema);
    try {
      const recorded = { batchSize, lossCount: 2 * batchSize, batchWords: layout.words.length, ...(probes ? { probes } : {}) };
      let dropout: DropoutPlan | undefined;
      const step = await RecordedStep.compile(device, store, recorded, (recorder) => {
        dropout = record(recorder, options, layout);
      });
      const training = new CvaeTraining(device, options, step, store, layout, dropout);
      if (dropout) training.#write(dropout.table, siteTable(dropout));
      return training;
    } catch (error) {
      store.destroy();
      throw error;
    }
  }

  protected prepare(batch: CvaeBatch): PackedBatch {
    this.#check(batch);
    const { count, conditioning, actions, latent, klWeight, dropout } = batch;
    const { latentDim, horizon, actionDim } = this.#shape;
    const layout = this.#layout;
    const [frames, chunk] = [framesDim(this.#shape), horizon * actionDim];
    layout.words.fill(0);
    const put = (part: Part, values: Float32Array, width: number, row: number, first = 0): void => {
      const words = layout.part(part);
      for (let b = 0; b < count; b++) words.set(values.subarray(b * width, (b + 1) * width), b * row + first);
    };
    if (isProjected(this.#shape)) {
      put('frames', conditioning, frames, alignUp(frames, 4));
      put('chunk', actions, chunk, alignUp(chunk, 4));
    } else {
      const row = alignUp(frames + chunk, 4);
      put('joined', conditioning, frames, row);
      put('joined', actions, chunk, row, frames);
    }
    layout.part('latent').set(latent.subarray(0, count * latentDim));
    layout.part('target').set(actions.subarray(0, count * chunk));
    layout.part('counts').fill(reconstructionWeight(this.#shape) / chunk, 0, count);
    layout.part('divergence').fill(klWeight, 0, count);
    if (this.#dropout) for (const [handle, words] of dropoutWrites(this.#dropout, dropout)) this.#write(handle, words);
    return { words: layout.words, inverseCount: 1 / count };
  }

  #check({ count, conditioning, actions, latent, klWeight, dropout }: CvaeBatch): void {
    const { latentDim, horizon, actionDim } = this.#shape;
    checkCount(count, this.batchSize);
    const counts = { whole: this.batchSize, counted: count };
    for (const [name, values, size] of [
      ['conditioning', conditioning, framesDim(this.#shape)],
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

function record(step: StepRecorder, { shape, batchSize }: CvaeTrainingOptions, layout: BatchLayout<Part>): DropoutPlan | undefined {
  const { builder, batch, losses } = step;
  const { horizon, actionDim, activation } = shape;
  const [frames, chunk] = [framesDim(shape), horizon * actionDim];
  const sites = cvaeDropoutSites(shape, batchSize);
  const dropout = sites.length > 0 ? planDropout(builder, sites) : undefined;
  const recorder = { ...step, scratch: new Scratch(builder), activation, dropout };
  const binding = (part: Part): Binding => ({ buffer: batch, ...layout.range(part) });
  const rows = (part: Part, channels: number): Rows => ({
    buffer: batch,
    batch: batchSize,
    length: 1,
    channels,
    offset: layout.range(part).offset / 4,
    stride: alignUp(channels, 4),
  });
  const joined = isProjected(shape) ? { frames: rows('frames', frames), chunk: rows('chunk', chunk) } : rows('joined', frames + chunk);
  builder.segment('forward');
  if (dropout) recordDrawMasks(builder, dropout);
  const tape = recordCvaeForward(recorder, shape, { joined, drawn: binding('latent') });
  builder.segment('backward');
  const doutput = newRows(builder, 'output gradients', batchSize, 1, chunk);
  const [target, counts] = [binding('target'), binding('counts')];
  recordMeanSquaredError(builder, { y: tape.output, target, counts, dy: doutput, losses, step: step.step });
  recordCvaeBackward(recorder, tape, doutput, binding('divergence'));
  return dropout;
}
