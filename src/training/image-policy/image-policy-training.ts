import { encoderPrefixes } from '../../checkpoints/lerobot/encoder-tensors.js';
import { alphasCumprod } from '../../diffusion/noise-schedule.js';
import { OptionError } from '../../foundation/errors.js';
import { checkChoice } from '../../foundation/options.js';
import { encoderFeatures, keypointMapSize } from '../../networks/image-encoder/shape.js';
import { batchNormMode } from '../../ops/backward/batch-norm.js';
import type { ComputeDevice } from '../../runtime/device.js';
import { Uploader } from '../../runtime/uploader.js';
import { addEncoderRequests, encoderRunningNorms, imageEncoderParameters } from '../image-encoder/parameters.js';
import { checkBatchSize } from '../plan/batch-checks.js';
import { ParameterLayout } from '../plan/parameter-layout.js';
import { ParameterStore } from '../plan/parameter-store.js';
import { type PackedBatch, PlannedTraining } from '../plan/planned-training.js';
import { RecordedStep } from '../plan/recorded-step.js';
import { RunningStatistics } from '../plan/running-statistics.js';
import { BATCH_NORM_TRAININGS, type StepStatistics } from '../training-step.js';
import { UNetBatchPacker } from '../unet/batch.js';
import { unetParameters, unetRequests } from '../unet/parameters.js';
import { frameOffsets, ImageBatchPacker, type ImagePolicyBatch, type PackedImages } from './batch.js';
import { type ImagePolicyTrainingOptions, recordImagePolicy, uploadConstants, type Written } from './record.js';

export type { ImagePolicyTrainingOptions } from './record.js';

/**
 * A diffusion policy with cameras compiled for training: pictures are cropped, normalised and encoded, their features join the vectors of
 * their frames, and the U-Net's gradient of the conditioning trains the encoders, all in one submit. Weights begin as zeros: write them.
 */
export class ImagePolicyTraining extends PlannedTraining<ImagePolicyBatch> {
  readonly #device: ComputeDevice;
  readonly #unetPacker: UNetBatchPacker;
  readonly #packer: ImageBatchPacker;
  readonly #written: Written;
  readonly #uploader: Uploader;
  readonly #running: RunningStatistics | undefined;
  readonly #options: ImagePolicyTrainingOptions;

  private constructor(
    device: ComputeDevice,
    batchSize: number,
    step: RecordedStep,
    store: ParameterStore,
    packers: { readonly unet: UNetBatchPacker; readonly images: ImageBatchPacker },
    written: Written,
    uploader: Uploader,
    running: RunningStatistics | undefined,
    options: ImagePolicyTrainingOptions,
  ) {
    super(step, store, batchSize);
    this.#running = running;
    this.#options = options;
    this.#device = device;
    this.#unetPacker = packers.unet;
    this.#packer = packers.images;
    this.#written = written;
    this.#uploader = uploader;
  }

  /** @throws OptionError for a policy that cannot be trained; DeviceLimitError where the device is too small. */
  static async create(device: ComputeDevice, options: ImagePolicyTrainingOptions): Promise<ImagePolicyTraining> {
    const { shape, batchSize, schedule, ema, images, observations, observationSteps, layout = 'hwc' } = options;
    checkOptions(options);
    const prefixes = encoderPrefixes(images.encoder, images.isSeparate);
    const requests = unetRequests(shape);
    for (const prefix of prefixes) addEncoderRequests(requests, images.encoder, prefix);
    const { maxStorageBufferBindingSize } = device.limits;
    const parameterLayout = new ParameterLayout(maxStorageBufferBindingSize, requests.matrices, requests.vectors, options.precision);
    const parameters = [...prefixes.flatMap((prefix) => imageEncoderParameters(images.encoder, prefix)), ...unetParameters(shape)];
    const norms = prefixes.flatMap((prefix) => encoderRunningNorms(images.encoder, prefix));
    const uploader = new Uploader(device);
    const store = await ParameterStore.create(device, parameterLayout, parameters, ema);
    let running: RunningStatistics | undefined;
    try {
      if (norms.length > 0) running = await RunningStatistics.create(device, norms);
      const constants = await uploadConstants(uploader, options);
      const { preparation } = constants;
      const kept: [number, number] = preparation.table ? [...images.frame] : [preparation.height, preparation.width];
      const packers = {
        unet: new UNetBatchPacker(shape, batchSize, alphasCumprod(schedule, 'pytorch')),
        images: new ImageBatchPacker({ batchSize, observationSteps, observations, frame: images.frame, kept, layout }),
      };
      let written: Written | undefined;
      const recorded = { batchSize, batchWords: packers.unet.words, ...(options.probes ? { probes: options.probes } : {}) };
      const step = await RecordedStep.compile(device, store, recorded, (recorder) => {
        written = recordImagePolicy(recorder, options, packers, constants, running);
      });
      return new ImagePolicyTraining(device, batchSize, step, store, packers, written as unknown as Written, uploader, running, options);
    } catch (error) {
      store.destroy();
      running?.destroy();
      uploader.destroy();
      throw error;
    }
  }

  override dispose(): void {
    super.dispose();
    this.#uploader.destroy();
    this.#running?.destroy();
  }

  /** Of batch norms; undefined where encoders have group norms. */
  get statistics(): StepStatistics | undefined {
    return this.#running;
  }

  override get memory(): Readonly<Record<string, number>> {
    return { ...super.memory, ...(this.#running ? { statistics: this.#running.bytes } : {}) };
  }

  protected prepare(batch: ImagePolicyBatch, evaluates: boolean): PackedBatch {
    this.#device.assertUsable();
    const images: PackedImages = this.#packer.pack(batch);
    const packed = this.#unetPacker.pack({ ...batch, conditioning: images.conditioning });
    const { queue } = this.#device.gpuDevice;
    const { frames, offsets, mode } = this.#written;
    if (mode) queue.writeBuffer(this.plan.gpuBuffer(mode), 0, this.#mode(batch.count, evaluates));
    queue.writeBuffer(this.plan.gpuBuffer(frames), 0, images.frames);
    if (offsets) queue.writeBuffer(this.plan.gpuBuffer(offsets), 0, images.offsets);
    return packed;
  }

  /** @throws OptionError where a norm would have one value of each channel, which has no variance. */
  #mode(count: number, evaluates: boolean): Uint32Array<ArrayBuffer> {
    const { observationSteps, observations, images, batchNorm = 'batch' } = this.#options;
    const learns = batchNorm === 'batch' && !evaluates;
    const counted = count * observationSteps;
    const cameras = images.isSeparate ? 1 : observations.filter(({ kind }) => kind === 'image').length;
    const [height, width] = keypointMapSize(images.encoder);
    if (learns && counted * cameras * height * width < 2) {
      throw new OptionError(
        'batch: expected more than one picture, whose last maps are 1×1: batch norm has no variance of one value. Use larger batches or pictures, ' +
          'or batchNorm "running".',
      );
    }
    return batchNormMode({ windows: this.batchSize * observationSteps, counted, learns });
  }
}

function checkOptions({ batchSize, observations, observationSteps, shape, images, batchNorm }: ImagePolicyTrainingOptions): void {
  checkBatchSize(batchSize);
  if (batchNorm !== undefined) checkChoice('ImagePolicyTraining', 'batchNorm', batchNorm, BATCH_NORM_TRAININGS);
  const { width } = frameOffsets(observations);
  if (width * observationSteps !== shape.conditioningDim) {
    throw new OptionError(
      `observations: ${observationSteps} frames of ${width} values make ${width * observationSteps}, the network reads ${shape.conditioningDim}.`,
    );
  }
  const [height, columns] = images.crop ?? images.resize ?? images.frame;
  if (images.encoder.height !== height || images.encoder.width !== columns) {
    throw new OptionError(
      `images: pictures are ${height}×${columns} after resize and crop, the encoder reads ${images.encoder.height}×${images.encoder.width}.`,
    );
  }
  const odd = observations.find(({ kind, size }) => kind === 'image' && size !== encoderFeatures(images.encoder));
  if (odd)
    throw new OptionError(
      `observations: the encoder makes ${encoderFeatures(images.encoder)} features of "${odd.name}", found ${odd.size}.`,
    );
}
