import type { Schedule } from '../diffusion/solver-step.js';
import type { SegmentRun } from '../runtime/plan.js';

/** Commands on their way: every `next()` encodes a part of them, the last one returns them. No generator, which leaves more garbage. */
export interface Encoding {
  next(): GPUCommandBuffer | undefined;
}

/** What commands do before the runs of a decision. */
export interface Prelude {
  /** Equal for those that are the same commands. */
  readonly key: string;
}

/** How and when the commands of decisions are made. They hold nothing of an input. */
export interface CommandMaker<P extends Prelude = Prelude> {
  /** What a kind of decision replays, made once for each. */
  runs(schedule: Schedule, predicted: boolean): readonly SegmentRun[];
  encode(runs: readonly SegmentRun[], prelude: P | undefined): Encoding;
  /** Calls once, in a later turn of the event loop. */
  later(call: () => void): void;
}

/** Commands of one kind of decision: those that wait to be used, or as much of them as is encoded. */
interface Slot<P> {
  readonly schedule: Schedule;
  readonly predicted: boolean;
  readonly runs: readonly SegmentRun[];
  readonly prelude: P | undefined;
  commands: GPUCommandBuffer | undefined;
  encoding: Encoding | undefined;
}

/** How long a turn between decisions may encode: a timer that is due waits for it, and is no more exact than this anyway. */
const IDLE_MS = 1;

/** Kinds that are kept ready: first decisions of an episode, usual ones, stalled ones, and one more. */
const MOST_KINDS = 4;

/**
 * Keeps the commands of coming decisions ready. A command buffer can be used once, and encoding one takes as long as a
 * large GPU computes.
 *
 * Where there is time between decisions, as in a control loop, the encoding stands between no result and its reader: it
 * begins in a turn of the event loop after the result was handed out, and goes on in further ones, so that nothing else has
 * to wait for long. Where decisions follow each other without such a turn, the next one's commands are encoded while the device
 * works on this one.
 */
export class ReadyCommands<P extends Prelude = Prelude> {
  readonly #maker: CommandMaker<P>;
  /** Most recently used first. */
  readonly #slots: Slot<P>[] = [];
  readonly #idle = (): void => this.#encodeInIdle();
  /** Whether a turn between decisions is still to come. */
  #isIdleDue = false;
  #isHurried = false;
  /** The kind that `prepare` was asked for, for as long as it is: its commands are made then, and not in idle turns. */
  #prepared: Slot<P> | undefined;

  constructor(maker: CommandMaker<P>) {
    this.#maker = maker;
  }

  /** The commands of a decision, for one submit. */
  take(schedule: Schedule, predicted: boolean, prelude?: P): GPUCommandBuffer {
    const slot = this.#slot(schedule, predicted, prelude);
    // Nobody prepares any more, or for something else.
    if (!slot.commands) this.#prepared = undefined;
    const commands = this.#finish(slot);
    slot.commands = undefined;
    this.#isHurried = this.#isIdleDue;
    return commands;
  }

  /** To be called when the commands that were taken last are on their way. */
  submitted(): void {
    const used = this.#slots[0];
    if (this.#isHurried && used && used !== this.#prepared) this.#finish(used);
  }

  /** To be called when the result is about to be handed out: the time until the next decision begins. */
  handedOut(): void {
    if (this.#isIdleDue) return;
    this.#isIdleDue = true;
    this.#maker.later(this.#idle);
  }

  /** Encodes commands for a kind of decision that is expected. */
  expect(schedule: Schedule, predicted: boolean): void {
    this.#finish(this.#slot(schedule, predicted));
  }

  /**
   * The same right before a decision of that kind: encoding brings all that a submit reads to the processor's caches. From then on the commands of
   * the kind are left to this call, until a decision finds none.
   */
  prepare(schedule: Schedule, predicted: boolean): void {
    this.#prepared = this.#slot(schedule, predicted);
    this.#finish(this.#prepared);
  }

  clear(): void {
    this.#slots.length = 0;
    this.#prepared = undefined;
  }

  #slot(schedule: Schedule, predicted: boolean, prelude?: P): Slot<P> {
    const slots = this.#slots;
    const key = prelude?.key;
    const newest = slots[0];
    if (newest?.schedule === schedule && newest.predicted === predicted && newest.prelude?.key === key) return newest;
    const index = slots.findIndex((one) => one.schedule === schedule && one.predicted === predicted && one.prelude?.key === key);
    const slot = index < 0 ? this.#newSlot(schedule, predicted, prelude) : (slots[index] as Slot<P>);
    if (index > 0) slots.splice(index, 1);
    slots.unshift(slot);
    slots.length = Math.min(slots.length, MOST_KINDS);
    return slot;
  }

  #newSlot(schedule: Schedule, predicted: boolean, prelude: P | undefined): Slot<P> {
    return { schedule, predicted, prelude, runs: this.#maker.runs(schedule, predicted), commands: undefined, encoding: undefined };
  }

  #finish(slot: Slot<P>): GPUCommandBuffer {
    let { commands } = slot;
    while (!commands) commands = this.#advance(slot);
    return commands;
  }

  /** Encodes a part; returns the commands once they are complete. */
  #advance(slot: Slot<P>): GPUCommandBuffer | undefined {
    const encoding = slot.encoding ?? this.#maker.encode(slot.runs, slot.prelude);
    // Until it is known to have gone well: what failed halfway is begun anew.
    slot.encoding = undefined;
    slot.commands = encoding.next();
    if (!slot.commands) slot.encoding = encoding;
    return slot.commands;
  }

  #encodeInIdle(): void {
    this.#isIdleDue = false;
    const end = performance.now() + IDLE_MS;
    for (const slot of this.#slots) {
      if (slot === this.#prepared) continue;
      try {
        while (!slot.commands && performance.now() < end) this.#advance(slot);
      } catch {
        // Nobody waits here: the decision that needs the commands encodes them itself, and reports what is wrong.
        return;
      }
      if (slot.commands) continue;
      this.handedOut();
      return;
    }
  }
}
