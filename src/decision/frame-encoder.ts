import { NonFiniteError } from '../foundation/errors.js';
import { type Frame, frameWidth, imageColumns } from '../observations/check.js';
import { asFloats, type Picture } from '../observations/picture.js';
import type { ObservationInfo } from '../spec/policy-spec.js';
import type { EncodePlans, EncodeShape, FramesPlan } from './encode-plan.js';
import { areFinite } from './non-finite.js';

/** Windows as a decision takes them. */
export interface EncodedWindows {
  /** Raw vectors and features of images, f32 [observationSteps][frameWidth] each, oldest frame first. */
  readonly windows: readonly Float32Array[];
  /** Inner values of the encoder, where it ran; of all frames that were encoded together. */
  readonly probes: ReadonlyMap<string, Float32Array>;
}

/** A frame that is to be encoded, and its pictures in one format. */
interface Waiting {
  readonly frame: Frame;
  readonly pictures: readonly Picture[];
}

/**
 * Encodes the pictures of frames, each frame once: features are kept as long as its pictures are. Calls must not overlap.
 */
export class FrameEncoder {
  #plans: EncodePlans | undefined;
  readonly #columns: readonly number[];
  readonly #width: number;
  /** f32 [features] of each picture, by camera: cameras may have encoders and statistics of their own. */
  readonly #features: readonly WeakMap<Picture, Float32Array>[];
  readonly #compiled = new Map<string, FramesPlan>();
  #encoded = 0;

  /** `plans`: undefined for a policy without images. */
  constructor(plans: EncodePlans | undefined, observations: readonly ObservationInfo[]) {
    this.#plans = plans;
    this.#columns = imageColumns(observations);
    this.#width = frameWidth(observations);
    this.#features = this.#columns.map(() => new WeakMap());
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
    let probes: ReadonlyMap<string, Float32Array> = new Map();
    if (this.#plans) {
      for (const [format, waiting] of this.#waiting(windows)) {
        for (let first = 0; first < waiting.length; ) {
          const frames = batchOf(waiting.length - first, this.#plans);
          const values = await this.#encodeBatch(this.#plans, { format, frames }, waiting.slice(first, first + frames));
          // The oldest frame of the first window is the first one: what a case recorded of the encoder is of that.
          if (probes.size === 0) probes = values;
          first += frames;
        }
      }
    }
    return { windows: windows.map((frames) => this.assemble(frames)), probes };
  }

  /** Compiles and runs what as many frames of bytes need, so that the first ones take no longer than others. */
  async warmup(frames: number): Promise<void> {
    if (!this.#plans) return;
    for (let left = frames; left > 0; left -= batchOf(left, this.#plans)) {
      await (await this.#plan(this.#plans, { format: 'u8-hwc3', frames: batchOf(left, this.#plans) })).rehearse();
    }
  }

  /** Encodes with the networks of another device from now on; what was encoded stays as it is. */
  moveTo(plans: EncodePlans | undefined): void {
    this.destroy();
    this.#plans = plans;
  }

  /** Keeps nothing of the device. */
  destroy(): void {
    for (const plan of this.#compiled.values()) plan.destroy();
    this.#compiled.clear();
    this.#plans = undefined;
  }

  /** Frames without features, each once, by the format of their pictures. */
  #waiting(windows: readonly (readonly Frame[])[]): Map<EncodeShape['format'], Waiting[]> {
    const seen = this.#features.map(() => new Set<Picture>());
    const waiting = new Map<EncodeShape['format'], Waiting[]>();
    for (const frame of windows.flat()) {
      const isKnown = frame.pictures.every((picture, camera) => this.#features[camera]?.has(picture) || seen[camera]?.has(picture));
      if (isKnown) continue;
      frame.pictures.forEach((picture, camera) => seen[camera]?.add(picture));
      const [first] = frame.pictures as readonly [Picture];
      const isOneFormat = frame.pictures.every(({ format }) => format === first.format);
      const pictures = isOneFormat ? frame.pictures : frame.pictures.map(asFloats);
      const { format } = pictures[0] as Picture;
      const others = waiting.get(format);
      if (others) others.push({ frame, pictures });
      else waiting.set(format, [{ frame, pictures }]);
    }
    return waiting;
  }

  async #encodeBatch(plans: EncodePlans, shape: EncodeShape, batch: readonly Waiting[]): Promise<ReadonlyMap<string, Float32Array>> {
    const plan = await this.#plan(plans, shape);
    const cameras = this.#features.length;
    const pictures = Array.from({ length: cameras }, (_, camera) => batch.map((one) => one.pictures[camera] as Picture));
    const { features, probes } = await plan.run(pictures.flat());
    if (!areFinite(features)) {
      throw new NonFiniteError('the image encoder returned NaN or infinity. No action is returned: check the images and the checkpoint.');
    }
    const size = features.length / (cameras * batch.length);
    for (let camera = 0; camera < cameras; camera++) {
      batch.forEach(({ frame }, i) => {
        const first = (camera * batch.length + i) * size;
        this.#features[camera]?.set(frame.pictures[camera] as Picture, features.slice(first, first + size));
      });
    }
    this.#encoded += batch.length;
    return probes;
  }

  /** A window of frames whose images were encoded, or that have none: f32 [observationSteps][frameWidth]. */
  assemble(frames: readonly Frame[]): Float32Array {
    const values = new Float32Array(frames.length * this.#width);
    for (let step = 0; step < frames.length; step++) {
      const { values: vectors, pictures } = frames[step] as Frame;
      values.set(vectors, step * this.#width);
      for (let camera = 0; camera < pictures.length; camera++) {
        const features = this.#features[camera]?.get(pictures[camera] as Picture) as Float32Array;
        values.set(features, step * this.#width + (this.#columns[camera] as number));
      }
    }
    return values;
  }

  async #plan(plans: EncodePlans, shape: EncodeShape): Promise<FramesPlan> {
    const key = `${shape.format} ${shape.frames}`;
    const plan = this.#compiled.get(key) ?? (await plans.compile(shape));
    this.#compiled.set(key, plan);
    return plan;
  }
}

/** How many of the waiting frames go together: a power of two, so that a fleet whose episodes end one by one needs few plans. */
function batchOf(waiting: number, { mostFrames }: EncodePlans): number {
  return Math.min(mostFrames, 2 ** Math.floor(Math.log2(waiting)));
}
