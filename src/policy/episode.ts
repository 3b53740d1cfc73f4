import type { NoiseSeed } from '../decision/noise.js';
import type { DecisionMaker, DecisionOutcome, PastChunk, Strategy } from '../strategies/strategy.js';

/** A running episode: what its strategy remembers, its last chunks, and which noise it gets. */
export class Episode {
  readonly strategy: Strategy;
  /** Frames of the last observations, oldest first; act() only. */
  frames: readonly Float32Array[] = [];
  /** Actions of the last decision that are still to be returned; act() only. */
  readonly actions: Float32Array[] = [];
  readonly #maker: DecisionMaker;
  readonly #noise: Omit<NoiseSeed, 'decision'>;
  #decisions = 0;
  #newest: PastChunk | undefined;
  #before: PastChunk | undefined;

  constructor(strategy: Strategy, noise: Omit<NoiseSeed, 'decision'>) {
    this.strategy = strategy;
    this.#maker = strategy.begin();
    this.#noise = noise;
  }

  /** Decisions made. */
  get decisions(): number {
    return this.#decisions;
  }

  get maker(): DecisionMaker {
    return this.#maker;
  }

  /** Newest chunk, and the one before it. */
  get past(): readonly [PastChunk | undefined, PastChunk | undefined] {
    return [this.#newest, this.#before];
  }

  /** Key of the next decision's noise. */
  nextNoise(seed = this.#noise.seed): NoiseSeed {
    return { ...this.#noise, seed, decision: this.#decisions };
  }

  /** Adds a decision. */
  push({ result: { normalizedChunk, chunk }, remember }: DecisionOutcome): void {
    this.#before = this.#newest;
    this.#newest = { normalizedChunk, chunk };
    this.#decisions++;
    remember?.();
  }
}
