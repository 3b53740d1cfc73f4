/**
 * The longest time between two ticks of a timer of 1 ms: what other work of the program, such as a control loop, has to wait for
 * at worst. Runs from its making until `stop`.
 */
export class TimerGap {
  readonly #timer = setInterval(() => this.#note(), 1);
  #last = performance.now();
  #longestMs = 0;

  /** Ends it. Milliseconds; what blocked until now counts too. */
  stop(): number {
    clearInterval(this.#timer);
    this.#note();
    return this.#longestMs;
  }

  #note(): void {
    const now = performance.now();
    this.#longestMs = Math.max(this.#longestMs, now - this.#last);
    this.#last = now;
  }
}
