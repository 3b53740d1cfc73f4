import type { Schedule } from '../diffusion/solver-step.js';

/** Decisions that a length is known from, and how many of them there must be: the first ones of a kind take longer than later ones. */
const KEPT = 5;
const LEAST = 3;

/** The last lengths of decisions of one kind, in milliseconds; `Infinity` where there was none yet. */
interface Lengths {
  readonly recent: Float64Array;
  next: number;
}

/** How long decisions take from their submit until their result is there, by their schedule, as the last ones say. */
export class KnownLengths {
  readonly #bySchedule = new WeakMap<Schedule, Lengths>();

  /** Adds what a decision took that was waited for. */
  note(schedule: Schedule, ms: number): void {
    let lengths = this.#bySchedule.get(schedule);
    if (!lengths) this.#bySchedule.set(schedule, (lengths = { recent: new Float64Array(KEPT).fill(Infinity), next: 0 }));
    lengths.recent[lengths.next] = ms;
    lengths.next = (lengths.next + 1) % KEPT;
  }

  /** Whether enough of them are known, and took no longer, two late ones among five left out: a neighbour on the machine says nothing of the device. */
  isWithin(schedule: Schedule, ms: number): boolean {
    const lengths = this.#bySchedule.get(schedule);
    if (!lengths) return false;
    let count = 0;
    for (const length of lengths.recent) if (length <= ms) count++;
    return count >= LEAST;
  }
}
