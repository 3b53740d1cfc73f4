/** Bytes of a block: a few round trips for small files, and a bounded price for whoever reads a header alone. */
const BLOCK_BYTES = 4 * 1024 * 1024;
/** Tensors are read roughly in the order of the file: a few blocks are enough that none is loaded twice. */
const BLOCKS_KEPT = 4;

/**
 * A file read in blocks, each fetched once while it is kept: hundreds of tensors do not cost a round trip each. Reads of one block
 * at the same time share its fetch.
 */
export class Blocks {
  readonly #size: number;
  readonly #fetch: (from: number, to: number) => Promise<Uint8Array>;
  readonly #kept = new Map<number, Promise<Uint8Array>>();

  /** `fetch`: bytes [from, to) of the file. */
  constructor(size: number, fetch: (from: number, to: number) => Promise<Uint8Array>) {
    this.#size = size;
    this.#fetch = fetch;
  }

  async read(offset: number, into: Uint8Array): Promise<void> {
    for (let filled = 0; filled < into.byteLength; ) {
      const at = offset + filled;
      const index = Math.floor(at / BLOCK_BYTES);
      const block = await this.#block(index);
      const part = block.subarray(at - index * BLOCK_BYTES, at - index * BLOCK_BYTES + into.byteLength - filled);
      into.set(part, filled);
      filled += part.byteLength;
    }
  }

  #block(index: number): Promise<Uint8Array> {
    const kept = this.#kept.get(index);
    this.#kept.delete(index);
    const from = index * BLOCK_BYTES;
    const block = kept ?? this.#fetch(from, Math.min(from + BLOCK_BYTES, this.#size));
    this.#kept.set(index, block);
    // What failed is asked for again by whoever reads it next.
    if (!kept) block.catch(() => this.#kept.get(index) === block && this.#kept.delete(index));
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= BLOCKS_KEPT) break;
      this.#kept.delete(oldest);
    }
    return block;
  }
}
