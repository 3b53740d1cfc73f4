import type { PolicyCheckpoint, PredictorCheckpoint } from '../checkpoints/types.js';
import type { AbortSignalLike } from '../foundation/abort-signal.js';
import { OptionError } from '../foundation/errors.js';
import { type ImageEncoder, loadImageEncoder } from '../networks/image-encoder/load.js';
import { loadPredictor } from '../networks/predictor/predictor.js';
import { loadUnet, type Unet } from '../networks/unet/unet.js';
import { type FramePreparation, loadFramePreparation } from '../ops/frames.js';
import type { WeightLoader, WeightSource } from '../ops/weight-source.js';
import type { ComputeDevice } from '../runtime/device.js';
import { Uploader } from '../runtime/uploader.js';
import type { Normalizer, ObservationFeature, Unnormalizer } from '../spec/policy-spec.js';
import type { Precision } from '../spec/precision.js';
import { shiftStart } from './starts/shift.js';
import type { Start } from './starts/start.js';
import { transformerStart } from './starts/transformer.js';

/** What turns the pictures of a policy into features. */
export interface ImageNetworks {
  readonly encoder: ImageEncoder;
  readonly preparation: FramePreparation;
  /** vec4f [camera][3], as prepare-frames.wgsl.ts reads them. */
  readonly statistics: GPUBuffer;
  readonly cameras: number;
}

/** Everything of a policy that lives on the device and does not change: weights and statistics. */
export interface PolicyNetworks {
  readonly device: ComputeDevice;
  readonly unet: Unet;
  /** Denoisers of the same shape beside it, by the names that requests give them. */
  readonly denoisers?: ReadonlyMap<string, Unet>;
  /** Undefined for a policy without images. */
  readonly images?: ImageNetworks | undefined;
  /** What warm decisions start from. */
  readonly predictor: Start | undefined;
  /** vec4f per value of a frame, as normalize.wgsl.ts reads them. */
  readonly observationStatistics: GPUBuffer;
  /** vec4f per action dimension, as unnormalize.wgsl.ts reads them. */
  readonly actionStatistics: GPUBuffer;
  /** Bytes on the device. */
  readonly bytes: number;
  destroy(): void;
}

export interface LoadNetworksOptions {
  readonly precision: Precision;
  readonly signal?: AbortSignalLike | undefined;
  /** Called when one more of the U-Net's residual blocks is on the device. */
  readonly onBlock?: ((done: number, total: number) => void) | undefined;
}

/** Brings checked checkpoints to the device. Frees everything it made when it fails or is aborted. */
export async function loadNetworks(
  device: ComputeDevice,
  policy: PolicyCheckpoint,
  predictor: PredictorCheckpoint | 'shift' | undefined,
  options: LoadNetworksOptions,
): Promise<PolicyNetworks> {
  const uploader = new Uploader(device);
  const loaderFor = (source: WeightSource): WeightLoader => ({
    source: abortable(source, options.signal),
    uploader,
    precision: options.precision,
  });
  try {
    if (predictor !== undefined && predictor !== 'shift') assertPredictorFits(policy, predictor);
    const unet = await loadUnet(loaderFor(policy.weights), policy.unet, policy.scheduler.numTrainTimesteps, (done, total) =>
      options.onBlock?.(done, total),
    );
    return {
      device,
      unet,
      images: await loadImages(policy, loaderFor, uploader),
      predictor: await loadStart(policy, predictor, loaderFor),
      observationStatistics: await uploader.uploadFloats('observation statistics', observationStatistics(policy.observations)),
      actionStatistics: await uploader.uploadFloats('action statistics', actionStatistics(policy.action)),
      bytes: uploader.bytes,
      destroy: () => uploader.destroy(),
    };
  } catch (error) {
    uploader.destroy();
    throw error;
  }
}

async function loadImages(
  { images, encoders, observations }: PolicyCheckpoint,
  loaderFor: (source: WeightSource) => WeightLoader,
  uploader: Uploader,
): Promise<ImageNetworks | undefined> {
  if (!images || !encoders) return undefined;
  const loader = loaderFor(encoders.weights);
  const cameras = observations.filter(({ kind }) => kind === 'image');
  return {
    encoder: await loadImageEncoder(loader, images.encoder, encoders.prefixes),
    preparation: await loadFramePreparation(loader, images),
    statistics: await uploader.uploadFloats('image statistics', Float32Array.from(cameras.flatMap(({ normalizer }) => rows(normalizer)))),
    cameras: cameras.length,
  };
}

async function loadStart(
  policy: PolicyCheckpoint,
  predictor: PredictorCheckpoint | 'shift' | undefined,
  loaderFor: (source: WeightSource) => WeightLoader,
): Promise<Start | undefined> {
  if (predictor === undefined) return undefined;
  if (predictor === 'shift') return shiftStart(policy.actionSteps);
  return transformerStart(await loadPredictor(loaderFor(predictor.weights), predictor.config));
}

/** Stops between tensors when the signal says so. */
function abortable(source: WeightSource, signal: AbortSignalLike | undefined): WeightSource {
  return {
    locate: (name) => source.locate(name),
    readFloats: (name) => {
      signal?.throwIfAborted();
      return source.readFloats(name);
    },
  };
}

function assertPredictorFits(policy: PolicyCheckpoint, predictor: PredictorCheckpoint): void {
  const frame = policy.observations.reduce((sum, feature) => sum + feature.size, 0);
  const pairs: [string, number, number][] = [
    ['action_dim', policy.unet.actionDim, predictor.config.actionDim],
    ['obs_dim', frame, predictor.config.observationDim],
    ['horizon', policy.unet.horizon, predictor.config.horizon],
    ['n_obs_steps', policy.observationSteps, predictor.config.observationSteps],
  ];
  for (const [key, expected, found] of pairs) {
    if (expected !== found) {
      throw new OptionError(
        `predictor "${predictor.name}" does not belong to policy "${policy.name}": its ${key} is ${found}, the policy's is ${expected}. ` +
          "Give the predictor that was trained for this policy, or networks: { predictor: 'shift' }.",
      );
    }
  }
}

/** Of all values of a frame; features of images go through as they are. */
function observationStatistics(features: readonly ObservationFeature[]): Float32Array {
  return Float32Array.from(
    features.flatMap(({ kind, size, normalizer }) =>
      kind === 'image' ? Array.from({ length: size }, () => [0, 1, 1, 0]).flat() : rows(normalizer),
    ),
  );
}

function rows({ subtract, divide, multiply, add }: Normalizer): number[] {
  return Array.from(subtract, (_, i) => [subtract[i], divide[i], multiply[i], add[i]] as number[]).flat();
}

function actionStatistics({ add, halve, multiply, shift }: Unnormalizer): Float32Array {
  return Float32Array.from([...add].flatMap((_, i) => [add[i], halve[i], multiply[i], shift[i]] as number[]));
}
