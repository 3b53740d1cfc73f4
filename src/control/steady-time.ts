import type { Clock } from './clock.js';

/** Milliseconds beyond which two ticks could be the same number: thirty thousand years. */
const MOST_MS = 1e15;

/** Timers that may come while a clock stands still, and what they were set for in all: clocks that are coarse against fingerprinting go on by 100 ms. */
const MOST_TIMERS = 3;
const MOST_STANDING_MS = 1000;

/** Time that is finite, never goes back and goes on, whatever a clock says: what it says otherwise is told, and time stands still. */
export class SteadyTime implements Pick<Clock, 'now'> {
  readonly #clock: Clock;
  readonly #onFault: (what: string) => void;
  #lastMs = -MOST_MS;
  /** Timers in a row that came while time stood still, and what they were set for. */
  #timers = 0;
  #standingMs = 0;

  constructor(clock: Clock, onFault: (what: string) => void) {
    this.#clock = clock;
    this.#onFault = onFault;
  }

  /** A timer that was set at `sinceMs` for `waitMs` has come: time must have gone on. */
  timerCame(sinceMs: number, waitMs: number): void {
    if (this.#lastMs > sinceMs || waitMs === 0) {
      this.#timers = 0;
      this.#standingMs = 0;
      return;
    }
    this.#timers++;
    this.#standingMs += waitMs;
    if (this.#timers >= MOST_TIMERS && this.#standingMs >= MOST_STANDING_MS) {
      this.#onFault(`the clock's now() must go on, found ${sinceMs} ms still, after timers of ${Math.round(this.#standingMs)} ms`);
    }
  }

  now(): number {
    const ms = this.#clock.now();
    if (ms >= this.#lastMs && ms <= MOST_MS) {
      this.#lastMs = ms;
      return ms;
    }
    const wanted = this.#lastMs === -MOST_MS ? 'finite milliseconds' : `at least the ${this.#lastMs} ms of before`;
    this.#onFault(`the clock's now() must be ${wanted}, found ${String(ms)}`);
    return this.#lastMs;
  }
}
