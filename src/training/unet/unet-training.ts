import { alphasCumprod } from '../../diffusion/noise-schedule.js';
import { OptionError } from '../../foundation/errors.js';
import { shownValue } from '../../foundation/shown.js';
import { recordMeanSquaredError, recordNoisySample } from '../../ops/backward/pointwise.js';
import type { ComputeDevice } from '../../runtime/device.js';
import type { BufferHandle } from '../../runtime/plan-builder.js';
import { newRows, probeRows, type Rows } from '../../runtime/rows.js';
import type { UnetShape } from '../../spec/network-shapes.js';
import type { NoiseScheduleOptions } from '../../spec/noise-schedule.js';
import { checkBatchSize } from '../plan/batch-checks.js';
import { ParameterStore } from '../plan/parameter-store.js';
import { type PackedBatch, PlannedTraining } from '../plan/planned-training.js';
import { RecordedStep, type StepRecorder } from '../plan/recorded-step.js';
import { Scratch } from '../plan/scratch.js';
import type { TrainingPrecision, UNetBatch } from '../training-step.js';
import { type TrainedPrediction, UNetBatchPacker } from './batch.js';
import type { PassRecorder } from './layers.js';
import { unetLayout, unetParameters } from './parameters.js';
import { recordUnetBackward, recordUnetForward, type UnetInputGradients } from './record.js';

export interface UNetTrainingOptions {
  readonly shape: UnetShape;
  readonly batchSize: number;
  /** Noise levels that timesteps count. */
  readonly schedule: NoiseScheduleOptions;
  /** What the loss compares the output with: the noise, or the clean actions. */
  readonly predictionType: TrainedPrediction;
  /** Whether there is a moving average of the weights. */
  readonly ema: boolean;
  /** Most bytes of a buffer of parameters. Default: what the device can bind at once. */
  readonly bindingBytes?: number;
  /** How products read weights. Default f32. */
  readonly precision?: TrainingPrecision;
  /** Names of inner values that `runProbed` hands out. @internal */
  readonly probes?: Iterable<string>;
}

/**
 * The diffusion U-Net compiled for training: noise is added, the network run forward and backward, gradients clipped, weights and their
 * moving average updated, all in one submit. Weights begin as zeros: write them.
 */
export class UNetTraining extends PlannedTraining<UNetBatch> {
  readonly #packer: UNetBatchPacker;

  private constructor(step: RecordedStep, store: ParameterStore, packer: UNetBatchPacker, batchSize: number) {
    super(step, store, batchSize);
    this.#packer = packer;
  }

  /** @throws OptionError for a network that cannot be trained; DeviceLimitError where the device is too small. */
  static async create(device: ComputeDevice, options: UNetTrainingOptions): Promise<UNetTraining> {
    const { shape, batchSize, schedule, predictionType, ema } = options;
    checkBatchSize(batchSize);
    if (predictionType !== 'epsilon' && predictionType !== 'sample') {
      throw new OptionError(`predictionType: expected "epsilon" or "sample", found ${shownValue(predictionType)}.`);
    }
    const packer = new UNetBatchPacker(shape, batchSize, alphasCumprod(schedule, 'pytorch'));
    const { maxStorageBufferBindingSize, maxBufferSize } = device.limits;
    const { bindingBytes = Math.min(maxStorageBufferBindingSize, maxBufferSize) } = options;
    const layout = unetLayout(shape, bindingBytes, options.precision);
    const store = await ParameterStore.create(device, layout, unetParameters(shape), ema);
    try {
      const recorded = { batchSize, batchWords: packer.words, ...(options.probes ? { probes: options.probes } : {}) };
      const step = await RecordedStep.compile(device, store, recorded, (recorder) => record(recorder, options, packer));
      return new UNetTraining(step, store, packer, batchSize);
    } catch (error) {
      store.destroy();
      throw error;
    }
  }

  protected prepare(batch: UNetBatch): PackedBatch {
    return this.#packer.pack(batch);
  }
}

function record(step: StepRecorder, options: UNetTrainingOptions, packer: UNetBatchPacker): void {
  const recorder = { ...step, scratch: new Scratch(step.builder) };
  recordUnetStep(recorder, options, packer, (uploaded) => uploaded);
}

/**
 * Records both passes of the U-Net into the segments `forward` and `backward`, from what the packer's batches hold. `condition` makes the
 * conditioning vectors of the uploaded ones, in the forward segment; returned are their gradients.
 */
export function recordUnetStep(
  recorder: PassRecorder,
  { shape, batchSize, predictionType }: Pick<UNetTrainingOptions, 'shape' | 'batchSize' | 'predictionType'>,
  packer: UNetBatchPacker,
  condition: (uploaded: Rows) => Rows,
): UnetInputGradients {
  const { builder, batch, losses } = recorder;
  const { horizon, actionDim, conditioningDim, stepEmbedDim } = shape;
  builder.segment('forward');
  const sample = newRows(builder, 'noisy sample', batchSize, horizon, actionDim);
  const binding = (part: Parameters<UNetBatchPacker['range']>[0]): { buffer: BufferHandle; offset: number; bytes: number } => ({
    buffer: batch,
    ...packer.range(part),
  });
  recordNoisySample(builder, binding('actions'), binding('noise'), binding('coefficients'), sample);
  probeRows(builder, 'noisy', sample);
  const uploaded = (part: 'conditioning' | 'sinusoids', channels: number): Rows => {
    const stride = Math.ceil(channels / 4) * 4;
    return { buffer: batch, batch: batchSize, length: 1, channels, offset: packer.range(part).offset / 4, stride };
  };
  const tape = recordUnetForward(recorder, shape, {
    sample,
    sinusoids: uploaded('sinusoids', stepEmbedDim),
    conditioning: condition(uploaded('conditioning', conditioningDim)),
  });
  builder.segment('backward');
  const doutput = newRows(builder, 'output gradients', batchSize, horizon, actionDim);
  const target = binding(predictionType === 'epsilon' ? 'noise' : 'actions');
  recordMeanSquaredError(builder, { y: tape.output, target, counts: binding('counts'), dy: doutput, losses, step: recorder.step });
  return recordUnetBackward(recorder, tape, doutput);
}
