import { encoderPrefixes } from '../../checkpoints/lerobot/encoder-tensors.js';
import { alphasCumprod } from '../../diffusion/noise-schedule.js';
import { OptionError } from '../../foundation/errors.js';
import { shownValue } from '../../foundation/shown.js';
import { encoderFeatures, encoderStages, keypointMapSize } from '../../networks/image-encoder/shape.js';
import { recordPlaceTokens } from '../../ops/backward/place-tokens.js';
import { type FramePreparation, loadFramePreparation, recordPrepareFrames } from '../../ops/frames.js';
import type { ComputeDevice } from '../../runtime/device.js';
import type { Plan } from '../../runtime/plan.js';
import type { BufferHandle } from '../../runtime/plan-builder.js';
import { newRows, probeRows, type Rows, rowsTensor } from '../../runtime/rows.js';
import { asTokens, channelRange, type Tensor } from '../../runtime/tensor.js';
import { Uploader } from '../../runtime/uploader.js';
import type { ImageFeature, ImageInputs, ObservationFeature } from '../../spec/policy-spec.js';
import { addEncoderRequests, imageEncoderParameters, keypointGrid } from '../image-encoder/parameters.js';
import { type ImageEncoderTape, recordImageEncoderBackward, recordImageEncoderForward } from '../image-encoder/record.js';
import { ParameterLayout } from '../plan/parameter-layout.js';
import { ParameterStore } from '../plan/parameter-store.js';
import { RecordedStep, type StepRecorder } from '../plan/recorded-step.js';
import { Scratch } from '../plan/scratch.js';
import type { ParameterInfo, ParameterSet, RunOptions, StepMetrics, TrainingStep, UpdateScalars } from '../training-step.js';
import { UNetBatchPacker } from '../unet/batch.js';
import { unetParameters, unetRequests } from '../unet/parameters.js';
import { recordUnetStep, type UNetTrainingOptions } from '../unet/unet-training.js';
import { frameOffsets, ImageBatchPacker, type ImagePolicyBatch, type PackedImages, type PictureLayout } from './batch.js';

export interface ImagePolicyTrainingOptions extends UNetTrainingOptions {
  readonly observationSteps: number;
  /** In the order of the conditioning vector, as a policy's spec has them. */
  readonly observations: readonly ObservationFeature[];
  readonly images: ImageInputs;
  /** Default `hwc`. */
  readonly layout?: PictureLayout;
}

/** What the plan reads that is written beside the recorded step's batch. */
interface Written {
  readonly frames: BufferHandle;
  readonly offsets: BufferHandle | undefined;
}

/** What stays on the device for the whole training: statistics of the cameras, tables of a resize, positions of keypoints. */
interface Constants {
  readonly preparation: FramePreparation;
  readonly statistics: GPUBuffer;
  readonly grid: GPUBuffer;
}

/**
 * A diffusion policy with cameras compiled for training: pictures are cropped, normalised and encoded, their features join the vectors of
 * their frames, and the U-Net's gradient of the conditioning trains the encoders, all in one submit. Weights begin as zeros: write them.
 */
export class ImagePolicyTraining implements TrainingStep<ImagePolicyBatch> {
  readonly batchSize: number;
  readonly parameters: readonly ParameterInfo[];
  readonly #device: ComputeDevice;
  readonly #step: RecordedStep;
  readonly #store: ParameterStore;
  readonly #unetPacker: UNetBatchPacker;
  readonly #packer: ImageBatchPacker;
  readonly #written: Written;
  readonly #uploader: Uploader;

  private constructor(
    device: ComputeDevice,
    batchSize: number,
    step: RecordedStep,
    store: ParameterStore,
    packers: { readonly unet: UNetBatchPacker; readonly images: ImageBatchPacker },
    written: Written,
    uploader: Uploader,
  ) {
    this.batchSize = batchSize;
    this.parameters = store.parameters;
    this.#device = device;
    this.#step = step;
    this.#store = store;
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
    const parameterLayout = new ParameterLayout(device.limits.maxStorageBufferBindingSize, requests.matrices, requests.vectors);
    const parameters = [...prefixes.flatMap((prefix) => imageEncoderParameters(images.encoder, prefix)), ...unetParameters(shape)];
    const uploader = new Uploader(device);
    const store = await ParameterStore.create(device, parameterLayout, parameters, ema);
    try {
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
        written = record(recorder, options, packers, constants);
      });
      return new ImagePolicyTraining(device, batchSize, step, store, packers, written as unknown as Written, uploader);
    } catch (error) {
      store.destroy();
      uploader.destroy();
      throw error;
    }
  }

  get memory(): Readonly<Record<string, number>> {
    return this.#step.memory;
  }

  /** @internal */
  get plan(): Plan {
    return this.#step.plan;
  }

  run(batch: ImagePolicyBatch, update: UpdateScalars | null, { accumulate = false, share = 1 }: RunOptions = {}): void {
    const { words, inverseCount } = this.#prepare(batch);
    this.#step.run(words, { update, accumulate, inverseCount: inverseCount * share });
  }

  /** As `run`, and hands out the probes that it was compiled with. @internal */
  runProbed(batch: ImagePolicyBatch, update: UpdateScalars | null): Promise<Map<string, Float32Array>> {
    const { words, inverseCount } = this.#prepare(batch);
    return this.#step.runProbed(words, { update, accumulate: false, inverseCount });
  }

  metrics(): Promise<StepMetrics & { readonly clipFactor: number }> {
    return this.#step.metrics();
  }

  read(set: ParameterSet): Promise<ReadonlyMap<string, Float32Array>> {
    return this.#store.read(set);
  }

  write(set: ParameterSet, tensors: ReadonlyMap<string, Float32Array>): void {
    this.#store.write(set, tensors);
  }

  dispose(): void {
    this.#step.dispose();
    this.#uploader.destroy();
  }

  #prepare(batch: ImagePolicyBatch): ReturnType<UNetBatchPacker['pack']> {
    this.#device.assertUsable();
    const images: PackedImages = this.#packer.pack(batch);
    const packed = this.#unetPacker.pack({ ...batch, conditioning: images.conditioning });
    const { queue } = this.#device.gpuDevice;
    const { frames, offsets } = this.#written;
    queue.writeBuffer(this.plan.gpuBuffer(frames), 0, images.frames);
    if (offsets) queue.writeBuffer(this.plan.gpuBuffer(offsets), 0, images.offsets);
    return packed;
  }
}

function checkOptions({ batchSize, observations, observationSteps, shape, images }: ImagePolicyTrainingOptions): void {
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new OptionError(`batchSize: expected an integer from 1 on, found ${shownValue(batchSize)}.`);
  }
  const [block] = encoderStages(images.encoder)[0]?.blocks ?? [];
  if (block?.conv3) {
    throw new OptionError(`images: encoders with bottlenecks are not trained, found ${images.encoder.backbone}: use resnet18 or resnet34.`);
  }
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

async function uploadConstants(uploader: Uploader, { images, observations }: ImagePolicyTrainingOptions): Promise<Constants> {
  const { frame, resize, crop, encoder } = images;
  const cameras = observations.filter((feature): feature is ImageFeature => feature.kind === 'image');
  const statistics = cameras.flatMap(({ normalizer: { subtract, divide, multiply, add } }) =>
    [0, 1, 2].flatMap((channel) => [subtract, divide, multiply, add].map((part) => part[channel] as number)),
  );
  const [height, width] = keypointMapSize(encoder);
  return {
    preparation: await loadFramePreparation({ uploader }, { frame, resize, crop }),
    statistics: await uploader.uploadFloats('statistics of the cameras', Float32Array.from(statistics)),
    grid: await uploader.uploadFloats('positions of keypoints', keypointGrid(height, width)),
  };
}

function record(
  step: StepRecorder,
  options: ImagePolicyTrainingOptions,
  packers: { readonly unet: UNetBatchPacker; readonly images: ImageBatchPacker },
  { preparation, statistics, grid }: Constants,
): Written {
  const { builder } = step;
  const recorder = { ...step, scratch: new Scratch(builder) };
  const { batchSize, observationSteps, observations, images, layout = 'hwc' } = options;
  const prefixes = encoderPrefixes(images.encoder, images.isSeparate);
  const windows = batchSize * observationSteps;
  const cameras = observations.filter(({ kind }) => kind === 'image').length;
  const frames = builder.buffer('pictures', packers.images.bytes);
  // A resize takes the middle: its tables begin there.
  const offsets = preparation.table ? undefined : builder.buffer('crops', cameras * windows * 8);
  const { offsets: places, width } = frameOffsets(observations);
  const imagePlaces = places.filter((_, index) => observations[index]?.kind === 'image');
  const features = images.encoder.encoders === 1 ? cameras : 1;
  const tapes: ImageEncoderTape[] = [];

  const encode = (): void => {
    const { height, width: columns } = preparation;
    const all = builder.buffer('prepared pictures', cameras * windows * height * columns * 16);
    recordPrepareFrames(builder, preparation, {
      frames: { buffer: frames, offset: 0, bytes: frames.bytes },
      format: layout === 'hwc' ? 'u8-hwc3' : 'u8-chw',
      statistics,
      cameras,
      offsets: offsets && { buffer: offsets, offset: 0, bytes: offsets.bytes },
      y: { buffer: all, batch: cameras * windows, channels: 3, height, width: columns },
    });
    prefixes.forEach((prefix, index) => {
      const rows: Rows = {
        buffer: all,
        batch: features * windows,
        length: height * columns,
        channels: 3,
        offset: index * features * windows * height * columns * 4,
        stride: 4,
      };
      tapes.push(
        recordImageEncoderForward(recorder, images.encoder, prefix, { rows, height, width: columns }, { buffer: builder.existing(grid) }),
      );
    });
  };
  /** The features of a camera as tokens [b][To] of one of the encoders, or their gradients. */
  const ofCamera = (rows: (tape: number) => Rows, camera: number): Tensor => {
    const { buffer, channels } = rows(Math.floor(camera / features));
    const tokens = asTokens(buffer, batchSize, observationSteps, channels);
    return { ...tokens, layout: { ...tokens.layout, offset: (camera % features) * windows * channels } };
  };
  const inConditioning = (rows: Rows, camera: number): Tensor => {
    const { layout: rowLayout } = rowsTensor(rows);
    const tokens: Tensor = {
      buffer: rows.buffer,
      batch: batchSize,
      length: observationSteps,
      channels: width,
      layout: { offset: rowLayout.offset, batchStride: rows.stride, channelStride: 1, timeStride: width },
    };
    return channelRange(tokens, imagePlaces[camera] as number, encoderFeatures(images.encoder));
  };

  const { conditioning } = recordUnetStep(recorder, options, packers.unet, (uploaded) => {
    encode();
    const joined = newRows(builder, 'conditioning with features', batchSize, 1, uploaded.channels);
    recordPlaceTokens(builder, { x: rowsTensor(uploaded), y: rowsTensor(joined) });
    for (let camera = 0; camera < cameras; camera++) {
      recordPlaceTokens(builder, {
        x: ofCamera((tape) => (tapes[tape] as ImageEncoderTape).features, camera),
        y: inConditioning(joined, camera),
      });
    }
    probeRows(builder, 'global_cond', joined);
    return joined;
  });

  const dfeatures = tapes.map(({ features: rows }) => recorder.scratch.take(rows.batch, rows.length, rows.channels));
  for (let camera = 0; camera < cameras; camera++) {
    recordPlaceTokens(builder, { x: inConditioning(conditioning, camera), y: ofCamera((tape) => dfeatures[tape] as Rows, camera) });
  }
  tapes.forEach((tape, index) => {
    recordImageEncoderBackward(recorder, tape, dfeatures[index] as Rows);
    recorder.scratch.giveBack(dfeatures[index] as Rows);
  });
  return { frames, offsets };
}
