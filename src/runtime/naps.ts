/** How long a wait is polled for all the time: what ends sooner, the creation of a buffer say, is never napped through. */
const POLLED_MS = 0.5;
/** Longest nap. Timers are late by another tenth of a millisecond, and a result waits for both. */
const NAP_MS = 0.18;
/** Longest nap while work is known to lie before that which is waited for. */
const HELD_NAP_MS = 1;

/** Time as naps see it. */
export interface NapClock {
  now(): number;
  /** Sleeps without the processor, and without a turn of the event loop. */
  nap(ms: number): void;
  /** Calls once, in a later turn of the event loop. */
  later(call: () => void): void;
}

/**
 * Rests the core that waits for the device.
 *
 * Dawn in Node has nobody to wake it: while a promise is pending it asks the device in every turn of the event loop. That
 * takes a whole core, which software adapters need for computing and laptops share with their GPU, and some 50 KB of
 * JavaScript objects per millisecond. Here every turn begins with a nap, so that the device is asked a few thousand times
 * a second instead of some fifty thousand. What a nap can cost is the nap: nothing is predicted, so neither a first run
 * nor an outlier nor a device that became faster makes a result wait longer. Other work on the event loop waits as long.
 *
 * A turn that asks takes some 50 µs of a core that a software adapter computes on, one after a nap of a fifth of a millisecond 25 ms of a decision of
 * 130 ms. Where large work was handed over in two parts, nobody can be late while the device is at the first of them (`hold`): naps are longer then.
 */
export class Naps {
  readonly #clock: NapClock;
  #waits = 0;
  #held = 0;
  #begunMs = 0;
  #turning = false;

  constructor(clock: NapClock) {
    this.#clock = clock;
  }

  /** Begins a wait; returns what ends it, to be called once. */
  begin(): () => void {
    if (this.#waits++ === 0) this.#begunMs = this.#clock.now();
    if (!this.#turning) this.#turn();
    return () => {
      this.#waits--;
    };
  }

  /** Tells that what a wait is for lies behind work that is done when this promise settles: until then naps may be longer, unless others wait too. */
  hold(before: Promise<unknown>): void {
    this.#held++;
    const end = (): void => {
      this.#held--;
    };
    before.then(end, end);
  }

  #turn(): void {
    this.#turning = true;
    this.#clock.later(() => {
      this.#turning = false;
      if (this.#waits === 0) return;
      if (this.#clock.now() - this.#begunMs >= POLLED_MS) this.#clock.nap(this.#held === this.#waits ? HELD_NAP_MS : NAP_MS);
      this.#turn();
    });
  }
}

/** The time of a runtime whose event loop may sleep, which browsers do not allow. */
export function napClock(later: NapClock['later']): NapClock {
  // Nobody ever wakes it: the wait ends with its time.
  const cell = new Int32Array(new SharedArrayBuffer(4));
  return { now: () => performance.now(), nap: (ms) => void Atomics.wait(cell, 0, 0, ms), later };
}
