import { BackOff } from '../foundation/back-off.js';
import type { PrepareChoice } from '../spec/prepare-options.js';
import type { Clock } from './clock.js';
import type { DecideAhead } from './decide-ahead.js';
import type { TickSchedule } from './tick-schedule.js';

/** How long before its tick preparing may begin: timers are late by a millisecond or two, and it takes one or two. */
export const PREPARED_MS = 3;

/** A timer that was late leaves less than preparing takes. */
const LEAST_MS = 1;

/** What is left between preparing and the tick: caches cool down while nothing is done. */
const MARGIN_MS = 0.2;
/** What took less did nothing, and says nothing of what it takes: the source was busy, or rests. */
const NOTHING_MS = 0.02;
/** Times that say how long it takes: the longest of them but one, which an interruption made. */
const KEPT = 8;

/** Has a source ready its next decision, where no tick is late for it, and as shortly before the tick as it takes. */
export class Preparation {
  readonly #ahead: DecideAhead;
  readonly #clock: Clock;
  readonly #on: PrepareChoice | 'off';
  readonly #backOff = new BackOff();
  readonly #took = new Float64Array(KEPT).fill(PREPARED_MS);
  #count = 0;

  constructor(ahead: DecideAhead, clock: Clock, on: PrepareChoice | 'off') {
    this.#ahead = ahead;
    this.#clock = clock;
    this.#on = on;
  }

  /** Whether it is wanted, and the source can. */
  get isPossible(): boolean {
    return this.#on !== 'off' && this.#ahead.canPrepare;
  }

  /** How long before the tick it has to begin: what it took, of times that are known. */
  get leadMs(): number {
    let longest = 0;
    let second = 0;
    for (const took of this.#took) {
      second = Math.max(second, Math.min(took, longest));
      longest = Math.max(longest, took);
    }
    // Never so little that it is taken for a timer that was late.
    return Math.max(second, LEAST_MS) + MARGIN_MS;
  }

  /** Prepares for the next tick; returns whether it did. @throws what the source throws. */
  run(schedule: TickSchedule): boolean {
    if (this.#on === 'off') return false;
    if (this.#backOff.isResting) {
      this.#backOff.note(true);
      return false;
    }
    const begunMs = this.#clock.now();
    if (schedule.wait(begunMs) < LEAST_MS) return false;
    const prepared = this.#ahead.prepare({ on: this.#on });
    this.#backOff.note(schedule.wait(this.#clock.now()) > 0);
    const ended = (): void => {
      const tookMs = this.#clock.now() - begunMs;
      if (tookMs >= NOTHING_MS) this.#took[this.#count++ % KEPT] = tookMs;
    };
    // A failure of what it began is one of the decision behind it.
    if (prepared) prepared.then(ended, ended);
    else ended();
    return true;
  }
}
