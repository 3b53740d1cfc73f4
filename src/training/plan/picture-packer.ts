import { OptionError } from '../../foundation/errors.js';
import { frameBytes } from '../../ops/frames.js';
import type { Sides } from '../../spec/policy-spec.js';
import { type BatchCounts, checkPart } from './batch-checks.js';

/** How the bytes of a picture lie: rows of red, green, blue, or three planes. */
export type PictureLayout = 'hwc' | 'chw';

/** What a batch has of pictures. */
export interface PictureShape {
  /** In their order. */
  readonly cameras: readonly string[];
  /** Pictures of a camera in a whole batch. */
  readonly windows: number;
  /** Of a picture as it arrives. */
  readonly frame: Sides;
  readonly layout: PictureLayout;
}

/** Packs the pictures of batches: those of the first camera first, each at a multiple of four bytes. */
export class PicturePacker {
  readonly #shape: PictureShape;
  readonly #packed: Uint8Array<ArrayBuffer>;

  constructor(shape: PictureShape) {
    this.#shape = shape;
    this.#packed = new Uint8Array(shape.windows * shape.cameras.length * this.pictureBytes);
  }

  /** Of a picture in what goes up. */
  get pictureBytes(): number {
    return frameBytes(pictureFormat(this.#shape.layout), this.#shape.frame);
  }

  get bytes(): number {
    return this.#packed.length;
  }

  /** The bytes that go up, good until the next batch is packed. `counted`: pictures of a camera that count. @throws OptionError */
  pack(pictures: unknown, counted: number): Uint8Array<ArrayBuffer> {
    const { cameras, windows, frame } = this.#shape;
    const size = frame[0] * frame[1] * 3;
    const counts: BatchCounts = { whole: windows, counted };
    if (!Array.isArray(pictures) || pictures.length !== cameras.length) {
      throw new OptionError(`batch.pictures: expected one for each of ${cameras.length} cameras, in their order (${cameras.join(', ')}).`);
    }
    cameras.forEach((name, camera) => {
      const own: unknown = pictures[camera];
      checkPart(`pictures of ${name}`, own, Uint8Array, size, counts);
      for (let picture = 0; picture < counted; picture++) {
        const bytes = (own as Uint8Array).subarray(picture * size, (picture + 1) * size);
        this.#packed.set(bytes, (camera * windows + picture) * this.pictureBytes);
      }
    });
    return this.#packed;
  }
}

/** As the kernels that prepare pictures call it. */
export function pictureFormat(layout: PictureLayout): 'u8-hwc3' | 'u8-chw' {
  return layout === 'hwc' ? 'u8-hwc3' : 'u8-chw';
}
