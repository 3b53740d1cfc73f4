import type { Clock } from './clock.js';

/** Milliseconds beyond which two ticks could be the same number: thirty thousand years. */
const MOST_MS = 1e15;

/** Time that is finite and never goes back, whatever a clock says: what it says otherwise is told, and time stands still. */
export class SteadyTime implements Pick<Clock, 'now'> {
  readonly #clock: Clock;
  readonly #onFault: (what: string) => void;
  #lastMs = -MOST_MS;

  constructor(clock: Clock, onFault: (what: string) => void) {
    this.#clock = clock;
    this.#onFault = onFault;
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
