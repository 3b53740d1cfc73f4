import type { Observation } from '../observations/frame.js';
import type { PrepareOptions } from '../spec/prepare-options.js';
import type { Clock } from './clock.js';
import type { DecidedChunk, DecisionSource } from './decision-source.js';
import { checkDecidesAhead } from './options.js';

/** What becomes of a decision. */
export interface DecideOutcome {
  readonly done: (chunk: DecidedChunk, latencyMs: number) => void;
  /** Also where the decision belongs to a past episode: a source that failed once is not trusted with the next. */
  readonly failed: (error: unknown) => void;
}

/** At most one decision at a time, and one observation that is encoded ahead of it. */
export class DecideAhead {
  readonly #source: DecisionSource;
  readonly #clock: Clock;
  /** Whether there are images to encode. Looked up once, and not at every observation. */
  readonly #hasImages: boolean;
  #running: Promise<void> | undefined;
  #encoding: Promise<void> | undefined;
  #episode = 0;

  constructor(source: DecisionSource, clock: Clock) {
    this.#source = source;
    this.#clock = clock;
    this.#hasImages = source.info.observations.some(({ kind }) => kind === 'image');
  }

  /** Number of the running episode. */
  get episode(): number {
    return this.#episode;
  }

  /** Also while a decision of a past episode is running. */
  get isDeciding(): boolean {
    return this.#running !== undefined;
  }

  /** Begins a decision; `isDeciding` must be false. Also what `done` throws counts as a failure. */
  begin(window: Observation, { done, failed }: DecideOutcome): void {
    const episode = this.#episode;
    const begunMs = this.#clock.now();
    this.#running = this.#asked(window)
      .then((chunk) => {
        if (episode === this.#episode) done(chunk, this.#clock.now() - begunMs);
      })
      .catch(failed)
      .finally(() => {
        this.#running = undefined;
      });
  }

  /** Has the source ready its next decision. @throws what the source throws. */
  prepare(options: PrepareOptions): Promise<void> | undefined {
    // Whatever a source returns.
    const prepared: unknown = this.#source.prepare?.(options);
    return prepared instanceof Promise ? prepared : undefined;
  }

  /** Whether the source can. */
  get canPrepare(): boolean {
    return this.#source.prepare !== undefined;
  }

  /**
   * Has the source encode the images of an observation as it arrives. Left out while it is busy with one before: cameras may be faster than
   * the encoder, and a decision encodes what it needs and does not find.
   */
  encode(observation: Observation): void {
    const source = this.#source;
    if (!this.#hasImages || this.#encoding || !source.observe) return;
    // A decision that reads this observation fails for the same reason, and is asked about it.
    const done = (): void => {
      this.#encoding = undefined;
    };
    this.#encoding = source.observe(observation).then(done, done);
  }

  /** Begins an episode: the chunk of a decision that is still running is dropped. */
  reset(): void {
    this.#source.reset();
    this.#episode++;
  }

  /** Resolves when no decision is running any more. */
  async settled(): Promise<void> {
    await Promise.all([this.#running, this.#encoding]);
  }

  /** A promise also of a source that throws. */
  #asked(window: Observation): Promise<DecidedChunk> {
    try {
      // The strategy may have been changed since the loop was made.
      checkDecidesAhead(this.#source.info);
      return Promise.resolve(this.#source.decide(window));
    } catch (error) {
      return Promise.reject(error);
    }
  }
}
