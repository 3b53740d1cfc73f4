import { NonFiniteError } from '../foundation/errors.js';
import { type Frame, imageColumns } from '../observations/frame.js';
import type { Picture } from '../observations/picture.js';
import type { ObservationInfo } from '../spec/policy-spec.js';
import { type BegunWindows, type EncodedWindow, type EncodedWindows, type FrameEncoding, FrameWindows, OWN } from './frame-windows.js';
import { type CameraFormat, cameraKey, type EncodePlans, type EncodeShape, type FramesPlan } from './frames-plan.js';
import { areFinite } from './non-finite.js';
import { type FeatureCopy, type PendingBatch, PendingFeatures, type PendingWindow } from './pending-features.js';
import type { StartRows } from './start-rows.js';

/** A plan, and a number that no other one has. */
interface NumberedPlan {
  readonly plan: FramesPlan;
  readonly id: number;
}

/** Plans that are kept: pictures of changing sizes ask for one each. */
const MOST_PLANS = 8;
const FLOAT = 4;

/**
 * Encodes the pictures of frames, each frame once: features are kept as long as its pictures are. Calls must not overlap, nor may they
 * with a decision that makes pending features.
 */
export class FrameEncoder implements FrameEncoding {
  #plans: EncodePlans | undefined;
  readonly #columns: readonly number[];
  readonly #windows: FrameWindows;
  readonly #rows: StartRows | undefined;
  /** Features of each picture by network, f32 [features], by camera: cameras may have encoders and statistics of their own. */
  readonly #features: readonly WeakMap<Picture, readonly Float32Array[]>[];
  /** Least recently used first. */
  readonly #compiled = new Map<string, NumberedPlan>();
  #nextId = 0;
  #encoded = 0;

  /** `rows`: of a start that reads some. */
  constructor(plans: EncodePlans, observations: readonly ObservationInfo[], rows?: StartRows) {
    this.#plans = plans;
    this.#columns = imageColumns(observations);
    this.#rows = rows;
    this.#features = this.#columns.map(() => new WeakMap());
    this.#windows = new FrameWindows(observations, rows, (camera, picture, network) => this.#features[camera]?.get(picture)?.[network]);
  }

  /** Whether there are images at all. */
  get isNeeded(): boolean {
    return this.#plans !== undefined;
  }

  /** Frames that were encoded. */
  get encoded(): number {
    return this.#encoded;
  }

  /**
   * Encodes what was not encoded before, as few batches as there are. A picture's features do not depend on those beside it.
   * @throws NonFiniteError, DeviceLimitError; frames that were encoded by then stay so.
   */
  async encode(windows: readonly (readonly Frame[])[]): Promise<EncodedWindows> {
    const begun = await this.begin(windows);
    return { windows: begun.windows, probes: (await begun.pending?.alone()) ?? new Map() };
  }

  /** As `encode`, but what has to be made is left to whoever makes the decision. @throws DeviceLimitError. */
  async begin(windows: readonly (readonly Frame[])[]): Promise<BegunWindows> {
    const begun = windows.map((frames) => this.assemble(frames));
    if (!this.#plans) return { windows: begun, pending: undefined };
    this.#forget();
    const places = this.#features.map(() => new Map<Picture, FramePlace>());
    const batches: PendingBatch[] = [];
    const fills: (() => void)[] = [];
    for (const { cameras, frames: waiting } of this.#waiting(windows)) {
      for (let first = 0; first < waiting.length; ) {
        const count = batchOf(waiting.length - first, this.#plans);
        const { plan, id } = await this.#plan(this.#plans, { cameras, frames: count });
        const together = waiting.slice(first, first + count);
        together.forEach(({ pictures }, index) => {
          pictures.forEach((picture, camera) => places[camera]?.set(picture, { plan, batch: batches.length, index, count }));
        });
        batches.push(this.#batch(plan, id, together, fills));
        first += count;
      }
    }
    if (batches.length === 0) return { windows: begun, pending: undefined };
    fills.push(() => begun.forEach((window, i) => this.#windows.fill(window, windows[i] as readonly Frame[])));
    const framesOf = new Map(begun.map(({ frames }, i) => [frames, windows[i] as readonly Frame[]] as const));
    return { windows: begun, pending: new PendingFeatures(batches, (window) => this.#pendingWindow(framesOf.get(window) ?? [], places)) };
  }

  /** Compiles and runs what as many frames of bytes need, so that the first ones take no longer than others. */
  async warmup(frames: number): Promise<void> {
    if (!this.#plans) return;
    const cameras = this.#columns.map((): CameraFormat => ({ format: 'u8-hwc3' }));
    for (let left = frames; left > 0; left -= batchOf(left, this.#plans)) {
      await (await this.#plan(this.#plans, { cameras, frames: batchOf(left, this.#plans) })).plan.rehearse();
    }
  }

  /** Encodes with the networks of another device from now on; what was encoded stays as it is. */
  moveTo(plans: EncodePlans | undefined): void {
    this.destroy();
    this.#plans = plans;
  }

  /** Keeps nothing of the device. */
  destroy(): void {
    for (const { plan } of this.#compiled.values()) plan.destroy();
    this.#compiled.clear();
    this.#plans = undefined;
  }

  /** A window with the features that are known. */
  assemble(frames: readonly Frame[]): EncodedWindow {
    return this.#windows.assemble(frames);
  }

  /** Frames without features, each once, with those whose pictures arrive alike. */
  #waiting(windows: readonly (readonly Frame[])[]): { readonly cameras: readonly CameraFormat[]; readonly frames: Frame[] }[] {
    const seen = this.#features.map(() => new Set<Picture>());
    const waiting = new Map<string, { readonly cameras: readonly CameraFormat[]; readonly frames: Frame[] }>();
    for (const frame of windows.flat()) {
      const isKnown = frame.pictures.every((picture, camera) => this.#features[camera]?.has(picture) || seen[camera]?.has(picture));
      if (isKnown) continue;
      frame.pictures.forEach((picture, camera) => seen[camera]?.add(picture));
      const cameras = frame.pictures.map(formatOf);
      const key = cameras.map(cameraKey).join(', ');
      const others = waiting.get(key);
      if (others) others.frames.push(frame);
      else waiting.set(key, { cameras, frames: [frame] });
    }
    return [...waiting.values()];
  }

  /** `fills`: run once the features of a batch are known. */
  #batch(plan: FramesPlan, id: number, frames: readonly Frame[], fills: readonly (() => void)[]): PendingBatch {
    const pictures = this.#features.flatMap((_, camera) => frames.map((frame) => frame.pictures[camera] as Picture));
    const settle = (features: readonly Float32Array[]): void => {
      this.#keep(frames, features);
      for (const fill of fills) fill();
    };
    return {
      plan,
      id,
      settle,
      upload: () => plan.upload(pictures),
      run: async () => {
        const { features, probes } = await plan.run(pictures);
        settle(features);
        return probes;
      },
    };
  }

  /** Keeps features f32 [camera][frame][features] of each network beside the pictures. */
  #keep(frames: readonly Frame[], features: readonly Float32Array[]): void {
    if (!features.every(areFinite)) {
      throw new NonFiniteError('the image encoder returned NaN or infinity. No action is returned: check the images and the checkpoint.');
    }
    this.#features.forEach((known, camera) => {
      frames.forEach((frame, i) => {
        const own = features.map((values) => {
          const size = values.length / (this.#features.length * frames.length);
          const first = (camera * frames.length + i) * size;
          return values.slice(first, first + size);
        });
        known.set(frame.pictures[camera] as Picture, own);
      });
    });
    this.#encoded += frames.length;
  }

  /** Where a window finds what is being made. `places`: of pictures, by camera. */
  #pendingWindow(frames: readonly Frame[], places: readonly ReadonlyMap<Picture, FramePlace>[]): PendingWindow {
    const copies: FeatureCopy[] = [];
    const pattern: string[] = [];
    frames.forEach((frame, step) => {
      frame.pictures.forEach((picture, camera) => {
        const place = places[camera]?.get(picture);
        if (!place || this.#features[camera]?.has(picture)) return;
        pattern.push(`${step}.${camera}:${place.batch}.${place.index}`);
        copies.push(this.#copy(place, 0, camera, 'observations', step * this.#windows.width + (this.#columns[camera] as number)));
        const { width = 0, features = 0, cameras = [] } = this.#rows ?? {};
        cameras.forEach((one, order) => {
          if (one === camera) copies.push(this.#copy(place, OWN, camera, 'rows', step * width + order * features));
        });
      });
    });
    return { pattern: pattern.join(','), copies };
  }

  #copy({ plan, index, count }: FramePlace, network: number, camera: number, part: FeatureCopy['part'], to: number): FeatureCopy {
    const { buffer, bytes: all } = plan.outputs[network] as FramesPlan['outputs'][number];
    const bytes = all / (this.#features.length * count);
    return { source: buffer, sourceOffset: (camera * count + index) * bytes, part, offset: to * FLOAT, bytes };
  }

  /** Plans that were not used for long. Not while any is in use: commands that nobody submits may still name them. */
  #forget(): void {
    for (const [key, { plan }] of this.#compiled) {
      if (this.#compiled.size <= MOST_PLANS) return;
      plan.destroy();
      this.#compiled.delete(key);
    }
  }

  async #plan(plans: EncodePlans, shape: EncodeShape): Promise<NumberedPlan> {
    const key = `${shape.frames} ${shape.cameras.map(cameraKey).join(', ')}`;
    const found = this.#compiled.get(key) ?? { plan: await plans.compile(shape), id: this.#nextId++ };
    this.#compiled.delete(key);
    this.#compiled.set(key, found);
    return found;
  }
}

/** Where the features of a picture are made. */
interface FramePlace {
  readonly plan: FramesPlan;
  readonly batch: number;
  /** Of its frame, among the `count` frames of its batch. */
  readonly index: number;
  readonly count: number;
}

function formatOf({ format, height, width, fit, scene }: Picture): CameraFormat {
  // What is drawn there has four bytes to a pixel.
  const arrives = scene ? ({ format: 'u8-hwc4', sceneNumbers: scene.length } as const) : { format };
  return fit === undefined ? arrives : { ...arrives, source: { height, width, fit } };
}

/** How many of the waiting frames go together: a power of two, so that a fleet whose episodes end one by one needs few plans. */
function batchOf(waiting: number, { mostFrames }: EncodePlans): number {
  return Math.min(mostFrames, 2 ** Math.floor(Math.log2(waiting)));
}
