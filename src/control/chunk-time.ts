/**
 * Time as decisions see it, in ticks. It goes on with every tick, skipped ones included, except while the robot stands still:
 * before its first action, and while it is held. What was decided for the next tick is then still ahead.
 */
export class ChunkTime {
  #now = 0;
  #isStanding = true;

  /** Of the tick that was begun last. */
  get now(): number {
    return this.#now;
  }

  /** Of the tick that follows. */
  get next(): number {
    return this.#isStanding ? this.#now : this.#now + 1;
  }

  /** Begins a tick after `skipped` ones. */
  advance(skipped: number): void {
    this.#now = this.#isStanding ? this.#now : this.next + skipped;
  }

  /** Whether the robot stands still from this tick to the next. */
  set isStanding(isStanding: boolean) {
    this.#isStanding = isStanding;
  }
}
