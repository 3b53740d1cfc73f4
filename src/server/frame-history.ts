import type { Frame } from '../observations/frame.js';

interface KeptFrame {
  readonly frame: Frame;
  /** Milliseconds on the clock of whoever observed it. */
  readonly at: number;
}

/** The frames that a decision reads. */
export interface PairedFrames {
  /** As many as the policy observes, oldest first. */
  readonly frames: readonly Frame[];
  /** Those of them that stand for a frame that is missing. */
  readonly repeated: number;
}

/**
 * The frames before the newest, found by time. A policy was trained on frames one tick apart, and a client that asks once per chunk sends
 * them many ticks apart: taken as neighbours they would tell of speeds that nothing had. So an older frame is one that was observed about
 * as many ticks before as it shall stand for, half a tick more or less, and where there is none the next newer one is repeated, as at the
 * beginning of an episode.
 */
export class FrameHistory {
  readonly #steps: number;
  readonly #tickMs: number | undefined;
  /** Oldest first, a quarter of a tick apart but for the newest, so that their number is bounded however fast a client is. */
  #kept: KeptFrame[] = [];

  /** `steps`: frames of a decision. Without `tickMs` nothing is known of time, and the newest frame stands for all. */
  constructor(steps: number, tickMs: number | undefined) {
    this.#steps = steps;
    this.#tickMs = tickMs;
  }

  /** Keeps a frame. Time that goes back is another time: nothing before it is kept. */
  push(frame: Frame, at: number): void {
    if (this.#tickMs === undefined || this.#steps === 1) return;
    const kept = this.#kept;
    const newest = kept.at(-1);
    if (newest && at < newest.at) kept.length = 0;
    const before = kept.at(-2);
    if (before && newest && newest.at - before.at < this.#tickMs / 4) kept.pop();
    const oldest = at - (this.#steps - 0.5) * this.#tickMs;
    this.#kept = [...kept.filter((one) => one.at >= oldest), { frame, at }];
  }

  /** The frames of a decision whose newest is this one, observed at that time; pushed before or not. */
  read(newest: Frame, at: number): PairedFrames {
    const frames = [newest];
    let repeated = 0;
    for (let back = 1; back < this.#steps; back++) {
      const found = this.#nearest(at, back);
      if (!found) repeated++;
      frames.unshift(found ?? (frames[0] as Frame));
    }
    return { frames, repeated };
  }

  clear(): void {
    this.#kept = [];
  }

  /** The frame that was observed so many ticks before. */
  #nearest(at: number, back: number): Frame | undefined {
    const tickMs = this.#tickMs;
    if (tickMs === undefined) return undefined;
    const wanted = at - back * tickMs;
    let best: KeptFrame | undefined;
    for (const one of this.#kept) {
      const distance = Math.abs(one.at - wanted);
      if (distance <= tickMs / 2 && (!best || distance < Math.abs(best.at - wanted))) best = one;
    }
    return best?.frame;
  }
}
