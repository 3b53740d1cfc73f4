import type { ImageValue } from '../../observations/picture.js';
import type { LoadPolicyOptions } from '../../policy/load-policy.js';
import type { Policy } from '../../policy/policy.js';
import type { PrecisionChoice } from '../../policy/precision.js';
import type { ComputeDevice } from '../../runtime/device.js';
import {
  type SyntheticCameras,
  type SyntheticSize,
  syntheticImages,
  syntheticPolicy,
  syntheticPredictor,
} from '../../synthetic/checkpoint.js';
import { Progress } from '../../terminal/progress.js';
import { summarizeLatencies } from '../latency.js';
import { withPolicy } from '../load.js';
import { frames } from './observations.js';

const BUDGET = 2;
/** A point ends after this time, once it has a median. */
const POINT_MS = 15_000;
const LEAST_ROUNDS = 3;
const MOST_ROUNDS = 50;
const HORIZON = 16;

/** Sides of the pictures of every camera; the encoder sees them as they are. */
export interface PictureSides {
  readonly height: number;
  readonly width: number;
}

export interface PicturesOptions {
  readonly size: SyntheticSize;
  readonly precision: PrecisionChoice;
  readonly norm: SyntheticCameras['norm'];
  readonly pictures: readonly PictureSides[];
  readonly cameras: readonly number[];
  /** Rounds of a point. Default: what fits into its time, at most 50. */
  readonly decisions?: number | undefined;
  readonly signal: AbortSignal;
}

/** Medians in milliseconds, of the same rounds. */
export interface PicturePoint extends PictureSides {
  readonly cameras: number;
  readonly norm: SyntheticCameras['norm'];
  readonly rounds: number;
  /** `observe()`: a frame with a picture of every camera is checked, copied, encoded, and its features are there. */
  readonly observeMs: number;
  /** A decision whose frames were all observed before. */
  readonly observedMs: number;
  /** A decision whose newest frame is encoded on its way. */
  readonly unobservedMs: number;
  /** A decision of the same U-Net with the same state and no cameras. */
  readonly stateMs: number;
  /** Of networks on the device, and of the encoder's share of them. */
  readonly deviceBytes: number;
  readonly encoderBytes: number;
}

/** Measures a policy that looks through cameras beside one that does not, for every size of pictures and number of cameras. */
export async function measurePictures(device: ComputeDevice, options: PicturesOptions): Promise<PicturePoint[]> {
  const { size, precision, norm, signal } = options;
  const loading = (cameras: number): LoadPolicyOptions => ({
    device,
    networks: { predictor: syntheticPredictor(HORIZON, cameras) },
    precision,
    signal,
    strategy: { name: 'STEP', budget: BUDGET },
  });
  return withPolicy(syntheticPolicy(size, HORIZON), loading(0), async (blind) => {
    const points: PicturePoint[] = [];
    for (const sides of options.pictures) {
      for (const cameras of options.cameras) {
        const images = { ...sides, cameras, norm };
        const measure = (policy: Policy): Promise<PicturePoint> => measurePoint(policy, blind, images, options);
        points.push(await withPolicy(syntheticPolicy(size, HORIZON, images), loading(cameras), measure));
      }
    }
    return points;
  });
}

/** The four of a round are measured in turns, so that a drift of the machine hits all alike. */
async function measurePoint(
  policy: Policy,
  blind: Policy,
  images: SyntheticCameras,
  { decisions = MOST_ROUNDS, signal }: PicturesOptions,
): Promise<PicturePoint> {
  const { horizon, actionDim, observationSteps } = policy.info;
  const { height, width, cameras, norm } = images;
  const names = syntheticImages(cameras);
  const zeros = new Float32Array(horizon * actionDim);
  const previous = [{ normalizedChunk: zeros, chunk: zeros }];
  const times = { observe: [] as number[], observed: [] as number[], unobserved: [] as number[], state: [] as number[] };
  const progress = new Progress();
  const timed = async <T>(list: number[], isCounted: boolean, task: () => Promise<T>): Promise<T> => {
    const started = performance.now();
    const result = await task();
    if (isCounted) list.push(performance.now() - started);
    return result;
  };
  // Pictures of the frame before: what an episode has encoded by then.
  let older: readonly ImageValue[] = [];
  const end = performance.now() + POINT_MS;
  for (let round = 0; round <= Math.min(decisions, MOST_ROUNDS); round++) {
    if (round > LEAST_ROUNDS && performance.now() > end) break;
    signal.throwIfAborted();
    // The first round compiles and fills caches.
    const isCounted = round > 0;
    progress.update(`${cameras} × ${height}×${width}: round ${round}`);
    const window = (newest: readonly ImageValue[]) => ({
      ...frames(round, observationSteps),
      ...Object.fromEntries(
        names.map((name, camera) => [name, [older[camera] ?? (newest[camera] as ImageValue), newest[camera] as ImageValue]]),
      ),
    });
    const decide = (newest: readonly ImageValue[]) => policy.decide(window(newest), { previous, seed: round });
    const raw = names.map((_, camera) => noise(height * width * 3, 2 * round + camera));
    const frame = { ...frames(round, 1), ...Object.fromEntries(names.map((name, camera) => [name, raw[camera] as Uint8Array])) };
    const seen = await timed(times.observe, isCounted, () => policy.observe(frame));
    const newest = names.map((name) => seen[name] as ImageValue);
    if (older.length === 0) older = newest;
    await timed(times.observed, isCounted, () => decide(newest));
    await timed(times.state, isCounted, () => blind.decide(frames(round, observationSteps), { previous, seed: round }));
    const unseen = names.map((_, camera) => noise(height * width * 3, -1 - 2 * round - camera));
    await timed(times.unobserved, isCounted, () => decide(unseen));
    older = newest;
  }
  progress.done();
  const p50 = (list: readonly number[]): number => summarizeLatencies(list)?.p50 ?? 0;
  return {
    height,
    width,
    cameras,
    norm,
    rounds: times.observe.length,
    observeMs: p50(times.observe),
    observedMs: p50(times.observed),
    unobservedMs: p50(times.unobserved),
    stateMs: p50(times.state),
    deviceBytes: policy.info.deviceBytes,
    encoderBytes: policy.info.deviceBytes - blind.info.deviceBytes,
  };
}

/** Pixels that no other frame has. */
function noise(count: number, seed: number): Uint8Array {
  let state = (seed * 0x9e3779b1) | 1;
  return Uint8Array.from({ length: count }, () => {
    state = (Math.imul(state, 0x0019660d) + 0x3c6ef35f) | 0;
    return state >>> 24;
  });
}
