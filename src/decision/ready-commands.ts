import type { Schedule } from '../diffusion/solver-step.js';
import { BackOff } from '../foundation/back-off.js';
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
  /** How long the commands that are being encoded took until now, and how long those before took. */
  spentMs: number;
  tookMs: number;
  /** Whether `prepare` made commands of this kind ready for its next decision. */
  isPrepared: boolean;
  /** Whether its next commands are left to `prepare`. */
  isLeft: boolean;
  /** From leaving commands to `prepare`, where that did not come or did not finish. */
  readonly backOff: BackOff;
}

/** How long a turn between decisions may encode: a timer that is due waits for it, and is no more exact than this anyway. */
const IDLE_MS = 1;

/** How long `prepare` may encode: what takes longer is for idle turns. */
const PREPARE_MS = 1;

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

  constructor(maker: CommandMaker<P>) {
    this.#maker = maker;
  }

  /** The commands of a decision, for one submit. */
  take(schedule: Schedule, predicted: boolean, prelude?: P): GPUCommandBuffer {
    const slot = this.#slot(schedule, predicted, prelude);
    const { backOff, isPrepared } = slot;
    if (slot.isLeft || backOff.isResting) backOff.note(isPrepared);
    const commands = this.#finish(slot);
    slot.commands = undefined;
    slot.isPrepared = false;
    slot.isLeft = isPrepared && slot.tookMs <= PREPARE_MS && !backOff.isResting;
    this.#isHurried = this.#isIdleDue;
    return commands;
  }

  /** To be called when the commands that were taken last are on their way. */
  submitted(): void {
    const used = this.#slots[0];
    if (this.#isHurried && used && !used.isLeft) this.#finish(used);
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
   * The same right before a decision of that kind, for a millisecond at most: encoding brings all that a submit reads to the processor's caches. The
   * next commands of the kind are then left to this call where they take no longer, and to idle turns again once it did not come or not finish.
   */
  prepare(schedule: Schedule, predicted: boolean): void {
    const slot = this.#slot(schedule, predicted);
    this.#encode(slot, performance.now() + PREPARE_MS);
    slot.isPrepared = slot.commands !== undefined;
    if (slot.commands) return;
    slot.isLeft = false;
    slot.backOff.note(false);
    this.handedOut();
  }

  /**
   * The same around a rehearsal, which submits such commands itself: before it, and for the decision behind it, while the device works. Returns whether they
   * are ready. They are not left to anyone: the next rehearsal finds commands of an idle turn.
   */
  rehearse(schedule: Schedule, predicted: boolean): boolean {
    const slot = this.#slot(schedule, predicted);
    slot.isLeft = false;
    if (this.#encode(slot, performance.now() + PREPARE_MS)) return true;
    this.handedOut();
    return false;
  }

  clear(): void {
    this.#slots.length = 0;
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
    const runs = this.#maker.runs(schedule, predicted);
    const state = { commands: undefined, encoding: undefined, spentMs: 0, tookMs: 0, isPrepared: false, isLeft: false };
    return { schedule, predicted, prelude, runs, ...state, backOff: new BackOff() };
  }

  #finish(slot: Slot<P>): GPUCommandBuffer {
    return slot.commands ?? (this.#encode(slot, Infinity) as GPUCommandBuffer);
  }

  /** Encodes until then at most, a run of the plan at a time; returns the commands once they are complete. */
  #encode(slot: Slot<P>, endMs: number): GPUCommandBuffer | undefined {
    if (slot.commands) return slot.commands;
    const begunMs = performance.now();
    let nowMs = begunMs;
    while (!slot.commands && nowMs < endMs) {
      this.#advance(slot);
      nowMs = performance.now();
    }
    slot.spentMs += nowMs - begunMs;
    if (!slot.commands) return undefined;
    slot.tookMs = slot.spentMs;
    slot.spentMs = 0;
    return slot.commands;
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
      if (slot.isLeft) continue;
      try {
        this.#encode(slot, end);
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
