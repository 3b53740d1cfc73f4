import type { MethodCheckpoint, PolicyCheckpoint, StartCheckpoint } from '../checkpoints/types.js';
import type { AbortSignalLike } from '../foundation/abort-signal.js';
import { loadUnet, residualBlockShapes, type Unet } from '../networks/unet/unet.js';
import type { WeightLoader, WeightSource } from '../ops/weight-source.js';
import type { ComputeDevice } from '../runtime/device.js';
import { Uploader } from '../runtime/uploader.js';
import type { ObservationFeature, Unnormalizer } from '../spec/policy-spec.js';
import type { Precision } from '../spec/precision.js';
import type { MethodDenoiser, PlannedDenoiser } from './denoisers/denoiser-network.js';
import type { LoadedImages } from './load-images.js';
import type { StartRows } from './start-rows.js';
import { shiftStart } from './starts/shift.js';
import type { Start } from './starts/start.js';
import { statisticsRows } from './statistics-rows.js';

/** Everything of a policy that lives on the device and does not change: weights and statistics. */
export interface PolicyNetworks {
  readonly device: ComputeDevice;
  readonly unet: Unet;
  /** Networks of methods beside it, by the names that requests give them: their types. */
  readonly denoisers?: ReadonlyMap<string, MethodDenoiser>;
  /** What a plan evaluates in place of the U-Net: one of the denoisers, with rows for its levels. */
  readonly denoiser?: PlannedDenoiser;
  /** Undefined for a policy without images. */
  readonly images?: LoadedImages | undefined;
  /** What warm decisions start from. */
  readonly predictor: Start | undefined;
  /** What that reads of a frame in place of the conditioning. */
  readonly rows?: StartRows | undefined;
  /** vec4f per value of a frame, as normalize.wgsl.ts reads them. */
  readonly observationStatistics: GPUBuffer;
  /** vec4f per action dimension, as unnormalize.wgsl.ts reads them. */
  readonly actionStatistics: GPUBuffer;
  /** Bytes on the device; rows for levels of methods' networks come on top, as strategies ask for them. */
  readonly bytes: number;
  /** Trained values of the networks beside the U-Net: of `predictor`, and of those of methods by their types. */
  readonly parameters: ReadonlyMap<string, number>;
  destroy(): void;
}

export interface LoadNetworksOptions {
  readonly precision: Precision;
  readonly signal?: AbortSignalLike | undefined;
  /** Networks of methods that are loaded beside the policy, no two of a type. Default: none. */
  readonly methods?: readonly MethodCheckpoint[];
  /** Called when one more residual block of a U-Net is on the device. */
  readonly onBlock?: ((done: number, total: number) => void) | undefined;
}

/** Brings checked checkpoints to the device. Frees everything it made when it fails or is aborted. */
export async function loadNetworks(
  device: ComputeDevice,
  policy: PolicyCheckpoint,
  predictor: StartCheckpoint | 'shift' | undefined,
  options: LoadNetworksOptions,
): Promise<PolicyNetworks> {
  const uploader = new Uploader(device);
  // Raw units have a range of their own, which rounded weights multiply their error by; and such a network is a few megabytes in f32.
  const exact = typeof predictor === 'object' && predictor.observation.kind === 'raw' ? predictor.weights : undefined;
  const loaderFor = (source: WeightSource): WeightLoader => ({
    source: abortable(source, options.signal),
    uploader,
    precision: source === exact ? 'f32' : options.precision,
  });
  try {
    const { methods = [] } = options;
    // The code of other networks, and what compares them with the policy, is loaded where there are some.
    const fits = methods.length > 0 || typeof predictor === 'object' ? await import('./fits.js') : undefined;
    const rows = typeof predictor === 'object' ? fits?.assertPredictorFits(policy, predictor) : undefined;
    for (const method of methods) fits?.assertMethodFits(policy, method);
    const methodLoader = methods.length === 0 ? undefined : await import('./denoisers/load-method.js');
    const ofMethods = methods.reduce((sum, method) => sum + (methodLoader?.methodBlocks(method) ?? 0), 0);
    const total = residualBlockShapes(policy.unet).length + ofMethods;
    let done = 0;
    const onBlock = (): void => options.onBlock?.(++done, total);
    const unet = await loadUnet(loaderFor(policy.weights), policy.unet, policy.scheduler.numTrainTimesteps, onBlock);
    return {
      device,
      unet,
      ...(methodLoader ? { denoisers: await methodLoader.loadMethodDenoisers(methods, loaderFor, onBlock) } : {}),
      images: await imagesOf(device, policy, predictor, rows, loaderFor),
      predictor: await startOf(policy, predictor, loaderFor),
      rows,
      observationStatistics: await uploader.uploadFloats('observation statistics', observationStatistics(policy.observations)),
      actionStatistics: await uploader.uploadFloats('action statistics', actionStatistics(policy.action)),
      bytes: uploader.bytes,
      parameters: new Map([
        ...(typeof predictor === 'object' ? [['predictor', predictor.parameters] as const] : []),
        ...methods.map(({ config, parameters }) => [config.type, parameters] as const),
      ]),
      destroy: () => uploader.destroy(),
    };
  } catch (error) {
    uploader.destroy();
    throw error;
  }
}

/**
 * Brings the image encoder of a policy that looks at pictures to the device, in f32 and without anything else: for whoever makes features of pictures and decides
 * nothing. Frees what it made when it fails or is aborted.
 */
export async function loadPictureNetworks(
  device: ComputeDevice,
  policy: PolicyCheckpoint,
  signal: AbortSignalLike | undefined,
): Promise<{ readonly images: LoadedImages; destroy(): void }> {
  const uploader = new Uploader(device);
  const loaderFor = (source: WeightSource): WeightLoader => ({ source: abortable(source, signal), uploader, precision: 'f32' });
  try {
    const images = (await imagesOf(device, policy, undefined, undefined, loaderFor)) as LoadedImages;
    return { images, destroy: () => uploader.destroy() };
  } catch (error) {
    uploader.destroy();
    throw error;
  }
}

/** The code that reads images is loaded where there are some. */
async function imagesOf(
  device: ComputeDevice,
  policy: PolicyCheckpoint,
  predictor: StartCheckpoint | 'shift' | undefined,
  rows: StartRows | undefined,
  loaderFor: (source: WeightSource) => WeightLoader,
): Promise<LoadedImages | undefined> {
  if (!policy.images) return undefined;
  const { loadImages } = await import('./load-images.js');
  return loadImages(device, policy, typeof predictor === 'object' ? predictor : undefined, rows?.cameras[0] ?? 0, loaderFor);
}

/** The code of networks that make starts is loaded where there is one. */
async function startOf(
  policy: PolicyCheckpoint,
  predictor: StartCheckpoint | 'shift' | undefined,
  loaderFor: (source: WeightSource) => WeightLoader,
): Promise<Start | undefined> {
  if (predictor === undefined) return undefined;
  if (predictor === 'shift') return shiftStart(policy.actionSteps);
  const { loadStart } = await import('./starts/load-start.js');
  return loadStart(predictor, loaderFor(predictor.weights));
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

/** Of all values of a frame; features of images go through as they are. */
function observationStatistics(features: readonly ObservationFeature[]): Float32Array {
  return Float32Array.from(
    features.flatMap(({ kind, size, normalizer }) =>
      kind === 'image' ? Array.from({ length: size }, () => [0, 1, 1, 0]).flat() : statisticsRows(normalizer).flat(),
    ),
  );
}

function actionStatistics({ add, halve, multiply, shift }: Unnormalizer): Float32Array {
  return Float32Array.from([...add].flatMap((_, i) => [add[i], halve[i], multiply[i], shift[i]] as number[]));
}
