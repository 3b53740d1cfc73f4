import { OptionError } from '../../foundation/errors.js';
import { recordPlaceTokens } from '../../ops/backward/place-tokens.js';
import { type FramePreparation, loadFramePreparation, recordPrepareFrames } from '../../ops/frames.js';
import type { ComputeDevice } from '../../runtime/device.js';
import type { Plan } from '../../runtime/plan.js';
import type { BufferHandle } from '../../runtime/plan-builder.js';
import { newRows, probeRows, type Rows, rowsTensor } from '../../runtime/rows.js';
import { asTokens, channelRange, type Tensor } from '../../runtime/tensor.js';
import { Uploader } from '../../runtime/uploader.js';
import { type RawRows, smallEncoderPixels } from '../../spec/network-shapes.js';
import { type PictureLayout, PicturePacker, pictureFormat } from '../plan/picture-packer.js';
import type { PassRecorder } from '../unet/layers.js';
import { recordSmallEncoderBackward, recordSmallEncoderForward, type SmallEncoderTape } from './record.js';

/** What is recorded of pictures. */
export interface PictureRowsOptions {
  readonly rows: RawRows;
  readonly batchSize: number;
  readonly observationSteps: number;
  /** Default `hwc`. */
  readonly layout?: PictureLayout | undefined;
}

/** Kept of rows. */
export interface PictureRowsTape {
  readonly encoder: SmallEncoderTape;
  /** [camera · b · To][1][features]. */
  readonly features: Rows;
  /** What was uploaded, with features in their places. */
  readonly rows: Rows;
}

/** Values of the vectors of a row. */
export function vectorsWidth({ width, cameras, encoder }: RawRows): number {
  return width - cameras.length * encoder.features;
}

/**
 * Rows of frames that a network reads in place of the policy's conditioning: features of pictures, by an encoder that is trained with it, then
 * vectors in raw units. One encoder for all cameras and frames: its gradient is the sum over them.
 */
export class PictureRows {
  readonly #options: PictureRowsOptions;
  readonly #packer: PicturePacker;
  readonly #uploader: Uploader;
  readonly #preparation: FramePreparation;
  readonly #statistics: GPUBuffer;
  #pictures: BufferHandle | undefined;

  private constructor(options: PictureRowsOptions, uploader: Uploader, preparation: FramePreparation, statistics: GPUBuffer) {
    const { rows, batchSize, observationSteps, layout = 'hwc' } = options;
    const { height, width } = rows.encoder;
    this.#options = options;
    this.#packer = new PicturePacker({ cameras: rows.cameras, windows: batchSize * observationSteps, frame: [height, width], layout });
    this.#uploader = uploader;
    this.#preparation = preparation;
    this.#statistics = statistics;
  }

  static async create(device: ComputeDevice, options: PictureRowsOptions): Promise<PictureRows> {
    const { cameras, encoder } = options.rows;
    const uploader = new Uploader(device);
    try {
      const pixels = Float32Array.from(cameras.flatMap(() => smallEncoderPixels(encoder)));
      return new PictureRows(
        options,
        uploader,
        await loadFramePreparation({ uploader }, { frame: [encoder.height, encoder.width] }),
        await uploader.uploadFloats('statistics of pixels', pixels),
      );
    } catch (error) {
      uploader.destroy();
      throw error;
    }
  }

  destroy(): void {
    this.#uploader.destroy();
  }

  /** Checks the pictures of a batch, and brings them to a plan that was recorded with these rows. @throws OptionError */
  write(device: ComputeDevice, plan: Plan, pictures: unknown, count: number): void {
    const bytes = this.#packer.pack(pictures, count * this.#options.observationSteps);
    device.gpuDevice.queue.writeBuffer(plan.gpuBuffer(this.#pictures as BufferHandle), 0, bytes);
  }

  /**
   * Records rows with all of `uploaded`, and features in front of the vectors of each frame. A frame is a row, [b][To][width], or all frames of
   * a sample lie one after the other at the beginning of one, [b][1][To · width …]. Probe: `features`, these rows.
   */
  record(recorder: PassRecorder, uploaded: Rows): PictureRowsTape {
    const { builder } = recorder;
    const { rows, batchSize, observationSteps, layout = 'hwc' } = this.#options;
    const { cameras, encoder } = rows;
    const { height, width } = encoder;
    const batch = cameras.length * batchSize * observationSteps;
    const pictures = builder.buffer('pictures', this.#packer.bytes);
    this.#pictures = pictures;
    const prepared = newRows(builder, 'prepared pictures', batch, height * width, 3);
    recordPrepareFrames(builder, this.#preparation, {
      frames: { buffer: pictures, offset: 0, bytes: pictures.bytes },
      format: pictureFormat(layout),
      statistics: this.#statistics,
      cameras: cameras.length,
      y: { buffer: prepared.buffer, batch, channels: 3, height, width },
    });
    const features = newRows(builder, 'features', batch, 1, encoder.features);
    const tape = recordSmallEncoderForward(recorder, { rows: prepared, height, width }, features);
    const joined = newRows(builder, 'rows of frames', uploaded.batch, uploaded.length, uploaded.channels);
    recordPlaceTokens(builder, { x: rowsTensor(uploaded), y: rowsTensor(joined) });
    for (let camera = 0; camera < cameras.length; camera++) {
      recordPlaceTokens(builder, { x: this.#ofCamera(features, camera), y: this.#inRows(joined, camera) });
    }
    probeRows(builder, 'features', joined);
    return { encoder: tape, features, rows: joined };
  }

  /** Records the backward pass from the gradient of the rows, which lie as these do. */
  recordBackward(recorder: PassRecorder, { encoder, features }: PictureRowsTape, drows: Rows): void {
    const { builder, scratch } = recorder;
    const dfeatures = scratch.take(features.batch, features.length, features.channels);
    for (let camera = 0; camera < this.#options.rows.cameras.length; camera++) {
      recordPlaceTokens(builder, { x: this.#inRows(drows, camera), y: this.#ofCamera(dfeatures, camera) });
    }
    recordSmallEncoderBackward(recorder, encoder, dfeatures);
    scratch.giveBack(dfeatures);
  }

  /** Tokens [b][To] of a camera among features, or their gradients. */
  #ofCamera({ buffer, channels }: Rows, camera: number): Tensor {
    const { batchSize, observationSteps } = this.#options;
    const tokens = asTokens(buffer, batchSize, observationSteps, channels);
    return { ...tokens, layout: { ...tokens.layout, offset: camera * batchSize * observationSteps * channels } };
  }

  /** The same tokens in rows. */
  #inRows(rows: Rows, camera: number): Tensor {
    const { rows: raw, observationSteps } = this.#options;
    const { layout } = rowsTensor(rows);
    const frames: Tensor = {
      buffer: rows.buffer,
      batch: rows.batch,
      length: observationSteps,
      channels: raw.width,
      layout: rows.length === 1 ? { ...layout, timeStride: raw.width } : layout,
    };
    return channelRange(frames, camera * raw.encoder.features, raw.encoder.features);
  }
}

/** @throws OptionError where a batch has pictures for a network that reads none. */
export function checkPictures(rows: PictureRows | undefined, pictures: unknown): void {
  if (rows || pictures === undefined) return;
  throw new OptionError('batch.pictures: expected none, because this network has no image encoder: leave them out.');
}

/**
 * Writes the vectors of frames into what a step uploads, behind the places of the features, which stay 0. `begins`: where the row of a frame
 * begins.
 */
export function packVectors(
  rows: RawRows,
  vectors: Float32Array,
  into: Float32Array,
  frames: number,
  begins: (frame: number) => number,
): void {
  const own = vectorsWidth(rows);
  for (let frame = 0; frame < frames; frame++) into.set(vectors.subarray(frame * own, (frame + 1) * own), begins(frame) + rows.width - own);
}
