import type { Clock } from '../../control/clock.js';

/** Simulated time that is made up for at once; what a host was away beyond it did not happen to the arm. */
const MOST_BEHIND_MS = 250;

/** Steps of physics that have come due by a clock. */
export class StepsDue {
  readonly #clock: Clock;
  readonly #stepMs: number;
  #beganMs: number;
  #done = 0;
  #lostMs = 0;

  constructor(clock: Clock, stepMs: number) {
    this.#clock = clock;
    this.#stepMs = stepMs;
    this.#beganMs = clock.now();
  }

  /** Time for which the arm stood still because nobody simulated it, ms. */
  get lostMs(): number {
    return this.#lostMs;
  }

  /** Whole steps since the last call. */
  take(): number {
    const now = this.#clock.now();
    const behindMs = now - this.#beganMs - this.#done * this.#stepMs;
    if (behindMs > MOST_BEHIND_MS) {
      this.#lostMs += behindMs - MOST_BEHIND_MS;
      this.#beganMs += behindMs - MOST_BEHIND_MS;
    }
    // A step that is due to within the rounding of a clock is due.
    const steps = Math.floor((now - this.#beganMs) / this.#stepMs + 1e-6) - this.#done;
    if (steps <= 0) return 0;
    this.#done += steps;
    return steps;
  }
}
