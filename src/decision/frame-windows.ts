import { type Frame, frameWidth, imageColumns } from '../observations/frame.js';
import type { Picture } from '../observations/picture.js';
import type { ObservationInfo } from '../spec/policy-spec.js';
import type { EncodePlans } from './frames-plan.js';
import type { PendingFeatures } from './pending-features.js';
import { type StartRows, writeVectors } from './start-rows.js';

/** A window as a decision takes it. Where features are pending, zeros are in their place until these are settled. */
export interface EncodedWindow {
  /** Raw vectors and features of images, f32 [observationSteps][frameWidth], oldest frame first. */
  readonly frames: Float32Array;
  /** What the start reads beside them, f32 [observationSteps][rowWidth]; undefined where it reads nothing. */
  readonly rows: Float32Array | undefined;
}

export interface EncodedWindows {
  readonly windows: readonly EncodedWindow[];
  /** Inner values of the encoder, where it ran; of all frames that were encoded together. */
  readonly probes: ReadonlyMap<string, Float32Array>;
}

/** Windows some of whose features may still have to be made. */
export interface BegunWindows {
  readonly windows: readonly EncodedWindow[];
  readonly pending: PendingFeatures | undefined;
}

/** What makes windows of frames, and features of their pictures. */
export interface FrameEncoding {
  /** Whether there are pictures at all. */
  readonly isNeeded: boolean;
  /** Frames that were encoded. */
  readonly encoded: number;
  /** @throws NonFiniteError, DeviceLimitError; frames that were encoded by then stay so. */
  encode(windows: readonly (readonly Frame[])[]): Promise<EncodedWindows>;
  /** As `encode`, but what has to be made is left to whoever makes the decision. @throws DeviceLimitError. */
  begin(windows: readonly (readonly Frame[])[]): Promise<BegunWindows>;
  /** Compiles and runs what as many frames need, so that the first ones take no longer than others. */
  warmup(frames: number): Promise<void>;
  /** Encodes with the networks of another device from now on; what was encoded stays as it is. */
  moveTo(plans: EncodePlans | undefined): void;
  /** Keeps nothing of the device. */
  destroy(): void;
  /** A window with the features that are known. */
  assemble(frames: readonly Frame[]): EncodedWindow;
}

/** Features of a picture, f32 [features], of one of the networks that encode; undefined where they are not known. */
export type KnownFeatures = (camera: number, picture: Picture, network: number) => Float32Array | undefined;

/** The policy's network among those that encode, and that of the start. */
const POLICYS = 0;
export const OWN = 1;

/** Windows of frames without pictures, which need no encoder; and with pictures, of the features that are known. */
export class FrameWindows implements FrameEncoding {
  readonly isNeeded = false;
  readonly encoded = 0;
  /** Values of a frame. */
  readonly width: number;
  readonly #columns: readonly number[];
  readonly #rows: StartRows | undefined;
  readonly #featuresOf: KnownFeatures;

  /** `rows`: of a start that reads some. `featuresOf`: by default nothing is known, and zeros are in its place. */
  constructor(observations: readonly ObservationInfo[], rows?: StartRows, featuresOf: KnownFeatures = () => undefined) {
    this.width = frameWidth(observations);
    this.#columns = imageColumns(observations);
    this.#rows = rows;
    this.#featuresOf = featuresOf;
  }

  async encode(windows: readonly (readonly Frame[])[]): Promise<EncodedWindows> {
    return { windows: windows.map((frames) => this.assemble(frames)), probes: new Map() };
  }

  async begin(windows: readonly (readonly Frame[])[]): Promise<BegunWindows> {
    return { windows: windows.map((frames) => this.assemble(frames)), pending: undefined };
  }

  async warmup(): Promise<void> {}

  moveTo(): void {}

  destroy(): void {}

  assemble(frames: readonly Frame[]): EncodedWindow {
    const window = {
      frames: new Float32Array(frames.length * this.width),
      rows: this.#rows && new Float32Array(frames.length * this.#rows.width),
    };
    this.fill(window, frames);
    return window;
  }

  /** Writes what is known of the frames into their window. */
  fill({ frames: values, rows }: EncodedWindow, frames: readonly Frame[]): void {
    // Loops: a control loop waits, and functions are garbage.
    for (let step = 0; step < frames.length; step++) {
      const frame = frames[step] as Frame;
      values.set(frame.values, step * this.width);
      for (let camera = 0; camera < frame.pictures.length; camera++) {
        const features = this.#featuresOf(camera, frame.pictures[camera] as Picture, POLICYS);
        if (features) values.set(features, step * this.width + (this.#columns[camera] as number));
      }
      if (rows && this.#rows) this.#fillRow(this.#rows, frame, rows.subarray(step * this.#rows.width, (step + 1) * this.#rows.width));
    }
  }

  #fillRow(layout: StartRows, frame: Frame, row: Float32Array): void {
    layout.cameras.forEach((camera, place) => {
      const features = this.#featuresOf(camera, frame.pictures[camera] as Picture, OWN);
      if (features) row.set(features, place * layout.features);
    });
    writeVectors(layout, frame, row);
  }
}
