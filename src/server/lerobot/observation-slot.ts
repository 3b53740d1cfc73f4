/** The one observation that waits to be decided on, and those who wait for one. A newer observation takes the place of an older. */
export class ObservationSlot<T> {
  #held: T | undefined;
  readonly #takers: ((value: T | undefined) => void)[] = [];

  put(value: T): void {
    const taker = this.#takers.shift();
    if (taker) taker(value);
    else this.#held = value;
  }

  /** What waits, or comes within that time; undefined where nothing does, or too many wait already. */
  take(waitMs: number, mostTakers: number): Promise<T | undefined> {
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined || this.#takers.length >= mostTakers) return Promise.resolve(held);
    return new Promise((resolve) => {
      const taker = (value: T | undefined): void => {
        clearTimeout(timer);
        resolve(value);
      };
      const timer = setTimeout(() => {
        this.#takers.splice(this.#takers.indexOf(taker), 1);
        resolve(undefined);
      }, waitMs);
      this.#takers.push(taker);
    });
  }

  /** Nothing waits any more, and nobody for it. */
  clear(): void {
    this.#held = undefined;
    for (const taker of this.#takers.splice(0)) taker(undefined);
  }
}
