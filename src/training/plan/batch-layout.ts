import { alignUp } from '../../runtime/buffers.js';

/** Elements of 256 bytes, where bindings may begin. */
const PART_ALIGNMENT = 64;

/** Where the parts of a batch lie in the one write that brings it to the device, and its words. */
export class BatchLayout<Part extends string> {
  readonly #places = new Map<Part, { readonly offset: number; readonly length: number }>();
  readonly #words: Float32Array<ArrayBuffer>;

  /** `lengths`: f32 of each part, in order. */
  constructor(lengths: Readonly<Record<Part, number>>) {
    let offset = 0;
    for (const [part, length] of Object.entries(lengths) as [Part, number][]) {
      this.#places.set(part, { offset, length });
      offset += alignUp(length, PART_ALIGNMENT);
    }
    this.#words = new Float32Array(offset);
  }

  /** All parts, as they go up. */
  get words(): Float32Array<ArrayBuffer> {
    return this.#words;
  }

  /** Where a part lies, in bytes. */
  range(part: Part): { readonly offset: number; readonly bytes: number } {
    const { offset, length } = this.#place(part);
    return { offset: offset * 4, bytes: length * 4 };
  }

  /** The words of a part, to write. */
  part(part: Part): Float32Array {
    const { offset, length } = this.#place(part);
    return this.#words.subarray(offset, offset + length);
  }

  #place(part: Part): { readonly offset: number; readonly length: number } {
    const place = this.#places.get(part);
    if (!place) throw new TypeError(`a batch has no part "${part}"`);
    return place;
  }
}
