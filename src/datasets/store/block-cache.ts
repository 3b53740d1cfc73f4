/** What is kept in the cache, and what it takes. */
export interface Block<T> {
  readonly value: T;
  /** Bytes, as far as they count. */
  readonly bytes: number;
}

/**
 * Blocks that were read, the most recently used ones, within a number of bytes. What is asked for while it is being read is read once. A
 * block larger than the cache is handed out and not kept.
 */
export class BlockCache<T> {
  readonly #most: number;
  readonly #blocks = new Map<string, Block<T>>();
  readonly #reading = new Map<string, Promise<T>>();
  #bytes = 0;
  /** Blocks that were read so far. */
  reads = 0;

  constructor(mostBytes: number) {
    this.#most = mostBytes;
  }

  /** Bytes that are kept now. */
  get bytes(): number {
    return this.#bytes;
  }

  get(key: string, read: () => Promise<Block<T>>): Promise<T> | T {
    const block = this.#blocks.get(key);
    if (block !== undefined) {
      // Again at the end: a Map iterates in the order of insertion, so the first one is what was not used for longest.
      this.#blocks.delete(key);
      this.#blocks.set(key, block);
      return block.value;
    }
    const begun = this.#reading.get(key);
    if (begun !== undefined) return begun;
    const reading = this.#read(key, read);
    this.#reading.set(key, reading);
    return reading;
  }

  async #read(key: string, read: () => Promise<Block<T>>): Promise<T> {
    try {
      const block = await read();
      this.reads++;
      this.#keep(key, block);
      return block.value;
    } finally {
      this.#reading.delete(key);
    }
  }

  #keep(key: string, block: Block<T>): void {
    if (block.bytes > this.#most) return;
    this.#blocks.set(key, block);
    this.#bytes += block.bytes;
    for (const [oldest, { bytes }] of this.#blocks) {
      if (this.#bytes <= this.#most) return;
      this.#blocks.delete(oldest);
      this.#bytes -= bytes;
    }
  }

  clear(): void {
    this.#blocks.clear();
    this.#bytes = 0;
  }
}
