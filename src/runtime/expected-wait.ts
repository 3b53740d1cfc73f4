/** Shorter sleeps are not worth a timer, whose steps are a millisecond. */
const SHORTEST_SLEEP_MS = 2;
/** Part of the expected time that is slept through: the rest absorbs late timers and decisions that are faster than usual. */
const SLEPT = 0.8;
const REMEMBERED = 8;

/**
 * Sleeps through most of a wait whose length is known from the waits before it.
 *
 * Dawn in Node has nobody to wake it: while a promise is pending it asks the device in every turn of the event loop. That
 * keeps one core busy, which software adapters need for computing and laptops share with their GPU, and allocates some
 * 50 KB of JavaScript objects per millisecond, whose collection stops the control loop. As long as nothing is pending,
 * nothing is asked. A wait that sleeps too long is shorter the next time.
 */
export class ExpectedWait {
  readonly #lengths: number[] = [];

  /** Sleeps, then starts the wait and ends with it. `submitted`: when the work was handed over, by performance.now(). */
  async run<T>(submitted: number, start: () => Promise<T>): Promise<T> {
    const shortest = Math.min(...this.#lengths);
    const sleep = Math.floor(SLEPT * shortest - (performance.now() - submitted));
    // Without a wait before this one, `shortest` is infinite.
    const sleeps = sleep >= SHORTEST_SLEEP_MS && sleep < Infinity;
    if (sleeps) await new Promise((resolve) => setTimeout(resolve, sleep));
    const awake = performance.now();
    const result = await start();
    const end = performance.now();
    // Work that was done before the sleep ended says nothing of its length but that: the next wait tries half.
    const overslept = sleeps && end - awake < SHORTEST_SLEEP_MS;
    this.#lengths.push(overslept ? (end - submitted) / 2 : end - submitted);
    if (this.#lengths.length > REMEMBERED) this.#lengths.shift();
    return result;
  }
}
