import { loadSmallEncoder } from '../../networks/small-encoder/load.js';
import { recordSmallEncoder } from '../../networks/small-encoder/record.js';
import { recordPlaceTokens } from '../../ops/backward/place-tokens.js';
import { loadFramePreparation, recordPrepareFrames } from '../../ops/frames.js';
import type { WeightLoader } from '../../ops/weight-source.js';
import { featureMap } from '../../runtime/feature-map.js';
import type { BufferHandle, PlanBuilder } from '../../runtime/plan-builder.js';
import { asTokens, channelRange, type Tensor, tokens } from '../../runtime/tensor.js';
import { type RawRows, smallEncoderPixels } from '../../spec/network-shapes.js';
import { PicturePacker, pictureFormat } from '../plan/picture-packer.js';
import { packVectors } from '../small-encoder/picture-rows.js';

/** Rows of frames that a network with an image encoder of its own reads, made by the dispatches that decisions are made with. */
export interface ForwardRows {
  /** [b][To][width]. */
  readonly rows: Tensor;
  /** What goes in: the rows with their vectors, and all pictures. */
  readonly inputs: readonly [Tensor, BufferHandle];
  /** Both, of a batch; good until the next one. */
  pack(observation: Float32Array, pictures: readonly Uint8Array[]): [Float32Array, Uint8Array];
}

/** Records rows of `batch` samples. The weights have the names of the file, those of the network without their prefix. */
export async function recordForwardRows(
  builder: PlanBuilder,
  loader: WeightLoader,
  rows: RawRows,
  batch: number,
  observationSteps: number,
): Promise<ForwardRows> {
  const { cameras, encoder, width } = rows;
  const { height, width: columns, features } = encoder;
  const windows = batch * observationSteps;
  const packer = new PicturePacker({ cameras, windows, frame: [height, columns], layout: 'hwc' });
  const network = await loadSmallEncoder(loader, encoder);
  const pictures = builder.buffer('pictures', packer.bytes);
  const prepared = featureMap(builder, 'prepared pictures', { batch: cameras.length * windows, channels: 3, height, width: columns });
  const statistics = Float32Array.from(cameras.flatMap(() => smallEncoderPixels(encoder)));
  recordPrepareFrames(builder, await loadFramePreparation(loader, { frame: [height, columns] }), {
    frames: { buffer: pictures, offset: 0, bytes: pictures.bytes },
    format: pictureFormat('hwc'),
    statistics: await loader.uploader.uploadFloats('statistics of pixels', statistics),
    cameras: cameras.length,
    y: prepared,
  });
  const made = tokens(builder, 'image features', cameras.length * windows, 1, features);
  recordSmallEncoder(builder, network, prepared, made);
  const joined = tokens(builder, 'rows of frames', batch, observationSteps, width);
  cameras.forEach((_, camera) => {
    const own = asTokens(made.buffer, batch, observationSteps, features);
    const x = { ...own, layout: { ...own.layout, offset: camera * windows * features } };
    recordPlaceTokens(builder, { x, y: channelRange(joined, camera * features, features) });
  });
  const packed = new Float32Array(windows * width);
  return {
    rows: joined,
    inputs: [joined, pictures],
    pack: (observation, own) => {
      packVectors(rows, observation, packed, windows, (frame) => frame * width);
      return [packed, packer.pack(own, windows)];
    },
  };
}
