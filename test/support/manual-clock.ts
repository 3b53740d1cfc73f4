import type { Clock } from '../../src/control/clock.js';

/** Time that goes on when it is told to; what is due by then is called on the way. */
export class ManualClock implements Clock {
  #nowMs = 0;
  readonly #waiting = new Set<{ readonly atMs: number; call(): void }>();

  now(): number {
    return this.#nowMs;
  }

  after(delayMs: number, call: () => void): () => void {
    const entry = { atMs: this.#nowMs + delayMs, call };
    this.#waiting.add(entry);
    return () => void this.#waiting.delete(entry);
  }

  /** Calls that wait for their time. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** All at once: what comes due is called late, at the end. */
  jump(ms: number): void {
    this.#nowMs += ms;
    for (const entry of [...this.#waiting]) {
      if (entry.atMs > this.#nowMs) continue;
      this.#waiting.delete(entry);
      entry.call();
    }
  }

  /** As a host that is on time. */
  pass(ms: number): void {
    const end = this.#nowMs + ms;
    for (;;) {
      const next = Math.min(end, ...[...this.#waiting].map(({ atMs }) => atMs));
      this.jump(Math.max(0, next - this.#nowMs));
      if (next === end) return;
    }
  }
}
