import type { PastChunk } from './strategy.js';

/** What a running episode remembers, for every sample of its batch. */
export class Episode {
  /** Frames of the last observations, oldest first; act() only. */
  frames: readonly Float32Array[] = [];
  /** Actions of the last decision that are still to be returned; act() only. */
  readonly actions: Float32Array[] = [];
  /** Decisions made. */
  decision = 0;
  readonly index: number;
  #batch = 0;
  #newest: readonly PastChunk[] = [];
  #before: readonly PastChunk[] = [];

  /** `index`: number of the episode, part of the key of its noise. */
  constructor(index: number) {
    this.index = index;
  }

  /** Batch size of its decisions; 0 before the first one. */
  get batch(): number {
    return this.#batch;
  }

  /** Newest chunk of a sample, and the one before it. */
  past(sample: number): readonly [PastChunk | undefined, PastChunk | undefined] {
    return [this.#newest[sample], this.#before[sample]];
  }

  /** Adds the chunks of a decision. */
  push(chunks: readonly PastChunk[]): void {
    this.#batch = chunks.length;
    this.#before = this.#newest;
    this.#newest = chunks;
    this.decision++;
  }
}
