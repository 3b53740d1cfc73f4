import type { PolicyCheckpoint, StartCheckpoint } from '../checkpoints/types.js';
import { loadImageEncoder } from '../networks/image-encoder/load.js';
import { recordImageEncoder } from '../networks/image-encoder/record.js';
import { encoderFeatures } from '../networks/image-encoder/shape.js';
import { loadSmallEncoder } from '../networks/small-encoder/load.js';
import { recordSmallEncoder } from '../networks/small-encoder/record.js';
import type { FrameGeometry } from '../ops/frames.js';
import type { WeightLoader } from '../ops/weight-source.js';
import type { FeatureMap } from '../runtime/feature-map.js';
import type { PlanBuilder } from '../runtime/plan-builder.js';
import type { Tensor } from '../runtime/tensor.js';
import { encoderMap, smallEncoderMap, smallEncoderPixels } from '../spec/network-shapes.js';
import { statisticsRows } from './statistics-rows.js';

/** Channels and sides of a map. */
export type MapSides = Pick<FeatureMap, 'channels' | 'height' | 'width'>;

/** A network that makes features of the pictures of all cameras. */
export interface PictureNetwork {
  /** What is done to pictures before. */
  readonly geometry: FrameGeometry;
  /** Statistics of pixels, vec4f [camera][3], as prepare-frames.wgsl.ts reads them. */
  readonly statistics: GPUBuffer;
  /** Values of one picture. */
  readonly features: number;
  /** Of the maps that a picture becomes, the largest. */
  readonly largestMap: MapSides;
  /** What names of its probes begin with. */
  readonly probes: string;
  /** The map that a probe is of; undefined for what is no map. */
  probedMap(name: string): MapSides | undefined;
  /**
   * Records features = network(pictures). pictures: those of the first camera, then those of the next; features: a token of `features` values
   * for each.
   */
  record(builder: PlanBuilder, cameras: number, pictures: FeatureMap, features: Tensor): void;
}

/** What turns the pictures of a policy into features. */
export interface ImageNetworks {
  readonly cameras: number;
  /** The policy's encoder, then that of the start, where it has one of its own. */
  readonly networks: readonly PictureNetwork[];
}

/** The encoder that conditions the U-Net; undefined for a policy without images. */
export async function policyEncoder(
  { images, encoders, observations }: PolicyCheckpoint,
  loaderFor: (source: WeightLoader['source']) => WeightLoader,
): Promise<PictureNetwork | undefined> {
  if (!images || !encoders) return undefined;
  const loader = loaderFor(encoders.weights);
  const cameras = observations.filter(({ kind }) => kind === 'image');
  const encoder = await loadImageEncoder(loader, images.encoder, encoders.prefixes);
  const { frame, resize, crop } = images;
  return {
    geometry: { frame, resize, crop },
    statistics: await uploadStatistics(
      loader,
      cameras.flatMap(({ normalizer }) => statisticsRows(normalizer)),
    ),
    features: encoderFeatures(images.encoder),
    largestMap: largestOf(['backbone.0', 'backbone.4'].map((stage) => encoderMap(stage, images.encoder) as MapSides)),
    probes: 'encoder.',
    probedMap: (name) => encoderMap(name.replace(/^encoder\.\d+\./, ''), images.encoder),
    record: (builder, count, pictures, features) => recordImageEncoder(builder, encoder, count, pictures, features),
  };
}

/**
 * The image encoder of a start, of pictures as cameras deliver them; undefined where it has none. `cameras`: of the policy; `firstCamera`:
 * that whose features come first, whose inner values are handed out.
 */
export async function startEncoder(
  { observation, weights }: StartCheckpoint,
  cameras: number,
  firstCamera: number,
  loaderFor: (source: WeightLoader['source']) => WeightLoader,
): Promise<PictureNetwork | undefined> {
  if (observation.kind !== 'raw') return undefined;
  const loader = loaderFor(weights);
  const shape = observation.encoder;
  const encoder = await loadSmallEncoder(loader, shape);
  return {
    geometry: { frame: [shape.height, shape.width] },
    statistics: await uploadStatistics(
      loader,
      Array.from({ length: cameras }, () => smallEncoderPixels(shape)),
    ),
    features: shape.features,
    largestMap: smallEncoderMap(0, shape) as MapSides,
    probes: 'predictor.',
    probedMap: (name) => {
      const [, index] = /^predictor\.net\.(\d+)$/.exec(name) ?? [];
      return index === undefined ? undefined : smallEncoderMap((Number(index) - 1) / 2, shape);
    },
    record: (builder, _cameras, pictures, features) =>
      recordSmallEncoder(builder, encoder, pictures, features, (firstCamera * pictures.batch) / cameras),
  };
}

function largestOf(maps: readonly MapSides[]): MapSides {
  const elements = ({ channels, height, width }: MapSides): number => channels * height * width;
  return maps.reduce((largest, map) => (elements(map) > elements(largest) ? map : largest));
}

function uploadStatistics({ uploader }: WeightLoader, rows: readonly (readonly number[])[]): Promise<GPUBuffer> {
  return uploader.uploadFloats('image statistics', Float32Array.from(rows.flat()));
}
