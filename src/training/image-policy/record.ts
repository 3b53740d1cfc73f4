import { encoderPrefixes } from '../../checkpoints/lerobot/encoder-tensors.js';
import { encoderFeatures, keypointMapSize } from '../../networks/image-encoder/shape.js';
import { BATCH_NORM_MODE_BYTES } from '../../ops/backward/batch-norm.js';
import { recordPlaceTokens } from '../../ops/backward/place-tokens.js';
import { type FramePreparation, loadFramePreparation, recordPrepareFrames } from '../../ops/frames.js';
import type { BufferHandle } from '../../runtime/plan-builder.js';
import { newRows, probeRows, type Rows, rowsTensor } from '../../runtime/rows.js';
import { asTokens, channelRange, type Tensor } from '../../runtime/tensor.js';
import type { Uploader } from '../../runtime/uploader.js';
import type { ImageFeature, ImageInputs, ObservationFeature } from '../../spec/policy-spec.js';
import { keypointGrid, POLICY_PREFIX } from '../image-encoder/parameters.js';
import { type ImageEncoderTape, recordImageEncoderBackward, recordImageEncoderForward } from '../image-encoder/record.js';
import type { EncoderRecorder } from '../image-encoder/unit.js';
import { type PictureLayout, pictureFormat } from '../plan/picture-packer.js';
import type { StepRecorder } from '../plan/recorded-step.js';
import type { RunningStatistics } from '../plan/running-statistics.js';
import { Scratch } from '../plan/scratch.js';
import type { BatchNormTraining } from '../training-step.js';
import type { UNetBatchPacker } from '../unet/batch.js';
import { recordUnetStep, type UNetTrainingOptions } from '../unet/unet-training.js';
import { frameOffsets, type ImageBatchPacker } from './batch.js';

export interface ImagePolicyTrainingOptions extends UNetTrainingOptions {
  readonly observationSteps: number;
  /** In the order of the conditioning vector, as a policy's spec has them. */
  readonly observations: readonly ObservationFeature[];
  readonly images: ImageInputs;
  /** Default `hwc`. */
  readonly layout?: PictureLayout;
  /** What batch norms normalise by in training: LeRobot's statistics of each batch (default), or the running ones, which then stay as they are. */
  readonly batchNorm?: BatchNormTraining;
}

/** What the plan reads that is written beside the recorded step's batch. */
export interface Written {
  readonly frames: BufferHandle;
  readonly offsets: BufferHandle | undefined;
  /** Uniform of `batchNormMode`. */
  readonly mode: BufferHandle | undefined;
}

/** What stays on the device for the whole training: statistics of the cameras, tables of a resize, positions of keypoints. */
export interface Constants {
  readonly preparation: FramePreparation;
  readonly statistics: GPUBuffer;
  readonly grid: GPUBuffer;
}

/** Brings to the device what does not change. */
export async function uploadConstants(uploader: Uploader, { images, observations }: ImagePolicyTrainingOptions): Promise<Constants> {
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

/** Records both passes of encoders and U-Net into the segments `forward` and `backward`. */
export function recordImagePolicy(
  step: StepRecorder,
  options: ImagePolicyTrainingOptions,
  packers: { readonly unet: UNetBatchPacker; readonly images: ImageBatchPacker },
  { preparation, statistics, grid }: Constants,
  running: RunningStatistics | undefined,
): Written {
  const { builder } = step;
  const mode = running && builder.buffer('mode of batch norms', BATCH_NORM_MODE_BYTES);
  const ofNorm = running?.bind(builder);
  const recorder: EncoderRecorder = {
    ...step,
    scratch: new Scratch(builder),
    batchNorms: mode && ofNorm && { mode, running: (norm) => ofNorm(POLICY_PREFIX + norm) },
  };
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
      format: pictureFormat(layout),
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
  return { frames, offsets, mode };
}
