/** Cuts a stream of bytes into frames of one size. */
export class RawFrames {
  readonly #size: number;
  #frame: Uint8Array;
  #filled = 0;

  constructor(size: number) {
    this.#size = size;
    this.#frame = new Uint8Array(size);
  }

  /** The newest frame that these bytes completed, which is the caller's; undefined where they completed none. */
  push(bytes: Uint8Array): Uint8Array | undefined {
    let newest: Uint8Array | undefined;
    for (let at = 0; at < bytes.length; ) {
      const part = bytes.subarray(at, at + this.#size - this.#filled);
      this.#frame.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled < this.#size) continue;
      newest = this.#frame;
      this.#frame = new Uint8Array(this.#size);
      this.#filled = 0;
    }
    return newest;
  }
}
