import type { NoiseSeed } from '../decision/noise.js';
import type { FrameWindow } from '../observations/window.js';
import type { DecisionMaker, DecisionOutcome, PastChunk, Strategy } from '../strategies/strategy.js';

/** A running episode: what its strategy remembers, its last chunks, and which noise it gets. */
export class Episode {
  readonly strategy: Strategy;
  /** The last observations; act() only. */
  readonly window: FrameWindow;
  /** Actions of the last decision that are still to be returned; act() only. */
  readonly actions: Float32Array[] = [];
  readonly #maker: DecisionMaker;
  readonly #noise: Omit<NoiseSeed, 'decision'>;
  #decisions = 0;
  #newest: PastChunk | undefined;
  #before: PastChunk | undefined;

  constructor(strategy: Strategy, noise: Omit<NoiseSeed, 'decision'>, window: FrameWindow) {
    this.strategy = strategy;
    this.#maker = strategy.begin();
    this.#noise = noise;
    this.window = window;
  }

  /** Decisions made. */
  get decisions(): number {
    return this.#decisions;
  }

  /** The next decision in words, for errors. */
  get nextName(): string {
    return `decision ${this.#decisions + 1} of the episode with seed ${this.#noise.seed}`;
  }

  get maker(): DecisionMaker {
    return this.#maker;
  }

  get newest(): PastChunk | undefined {
    return this.#newest;
  }

  /** The chunk before the newest. */
  get before(): PastChunk | undefined {
    return this.#before;
  }

  /** Key of the next decision's noise. */
  nextNoise(seed: number = this.#noise.seed): NoiseSeed {
    const { episode, sample } = this.#noise;
    return { seed, episode, decision: this.#decisions, sample };
  }

  /** Adds a decision. */
  push({ result: { normalizedChunk, chunk }, remember }: DecisionOutcome): void {
    this.#before = this.#newest;
    this.#newest = { normalizedChunk, chunk };
    this.#decisions++;
    // What act() still held was decided from older observations.
    this.actions.length = 0;
    remember?.();
  }
}
