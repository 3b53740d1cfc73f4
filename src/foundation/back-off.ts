/** Successes that shorten the next rest by one occasion: what fails more often than that rests ever longer. */
const RECOVERY = 64;

/**
 * Whether to go on with what is worth doing only where it goes well. After a failure it rests for an occasion, and for twice as many after each further
 * one, so that what fails often is hardly tried any more. Successes shorten that again: what fails once in a while is tried as before.
 */
export class BackOff {
  #left = 0;
  #rest = 1;

  /** Whether it is to be left out at this occasion. */
  get isResting(): boolean {
    return this.#left > 0;
  }

  /** To be called once for each occasion, resting ones included, of which the outcome does not count. */
  note(wentWell: boolean): void {
    if (this.#left > 0) {
      this.#left--;
    } else if (wentWell) {
      this.#rest = Math.max(1, this.#rest - 1 / RECOVERY);
    } else {
      this.#left = Math.floor(this.#rest);
      this.#rest *= 2;
    }
  }
}
