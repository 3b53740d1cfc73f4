/** A tick that is due. */
export interface Tick {
  /** Counted from 0 at the start, skipped ticks included. */
  readonly index: number;
  /** How long after its time it begins. */
  readonly latenessMs: number;
  /** Ticks right before it that were missed entirely. */
  readonly skipped: number;
}

/**
 * When ticks are due: start + n · tickMs, from the start and not from the tick before, so that lateness does not add up.
 * A tick whose successor is due as well is skipped, never run late in a burst: its action belongs to a time that is over.
 */
export class TickSchedule {
  readonly #startMs: number;
  readonly #tickMs: number;
  #next = 0;

  constructor(startMs: number, tickMs: number) {
    this.#startMs = startMs;
    this.#tickMs = tickMs;
  }

  /** Milliseconds until the next tick is due; 0 where it is due already. */
  wait(nowMs: number): number {
    return Math.max(0, this.#dueMs(this.#next) - nowMs);
  }

  /** The newest tick that is due; undefined where none is, because a timer fired early. */
  take(nowMs: number): Tick | undefined {
    if (nowMs < this.#dueMs(this.#next)) return undefined;
    // The quotient alone could round to a tick below the one that was just found to be due.
    const index = Math.max(this.#next, Math.floor((nowMs - this.#startMs) / this.#tickMs));
    const skipped = index - this.#next;
    this.#next = index + 1;
    return { index, latenessMs: Math.max(0, nowMs - this.#dueMs(index)), skipped };
  }

  #dueMs(index: number): number {
    return this.#startMs + index * this.#tickMs;
  }
}
