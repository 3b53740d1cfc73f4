import { BackOff } from '../foundation/back-off.js';
import type { Clock } from './clock.js';
import type { DecideAhead } from './decide-ahead.js';
import type { TickSchedule } from './tick-schedule.js';

/** How long before its tick a decision is prepared: timers are late by a millisecond or two, and preparing takes up to one. */
export const PREPARED_MS = 3;

/** A timer that was late leaves less than preparing takes. */
const LEAST_MS = 1;

/** Has a source ready its next decision, where no tick is late for it. */
export class Preparation {
  readonly #ahead: DecideAhead;
  readonly #clock: Clock;
  readonly #backOff = new BackOff();

  constructor(ahead: DecideAhead, clock: Clock) {
    this.#ahead = ahead;
    this.#clock = clock;
  }

  /** Prepares for the next tick; returns whether it did. @throws what the source throws. */
  run(schedule: TickSchedule): boolean {
    if (this.#backOff.isResting) {
      this.#backOff.note(true);
      return false;
    }
    if (schedule.wait(this.#clock.now()) < LEAST_MS) return false;
    this.#ahead.prepare();
    this.#backOff.note(schedule.wait(this.#clock.now()) > 0);
    return true;
  }
}
