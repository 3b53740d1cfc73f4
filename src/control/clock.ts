/** Time as the loop sees it. Another one makes a loop run in simulated time. */
export interface Clock {
  /**
   * Milliseconds from any origin; finite, never goes back, and goes on while timers come: a loop stops otherwise. What jumps ahead skips ticks.
   */
  now(): number;
  /** Calls once, about `delayMs` later, never before `after` has returned. Returns a function that cancels the call. */
  after(delayMs: number, call: () => void): () => void;
  /**
   * As `after`, for what is a few milliseconds away and must not be late by a timer; the processor may be kept busy for it. A loop asks for it
   * around preparing a decision; without it preparing begins when a timer says so, and the tick comes by `after` alone.
   */
  soon?(delayMs: number, call: () => void): () => void;
}

/** What is farther away is left to timers. */
const MOST_SPUN_MS = 3;
/** How long the event loop is held up at a time. A turn of it leaves 0.4 KB of garbage: without this, two milliseconds would leave 400 KB. */
const SLICE_MS = 0.1;
/** Multiplications between two looks at the clock, a few microseconds: each look leaves a number on the heap. */
const IDLE_PRODUCTS = 2000;

/** Calls once, in a later turn of the event loop; browsers have no such thing. */
type Later = (call: () => void) => unknown;

const { setImmediate: later } = globalThis as { readonly setImmediate?: Later };

/** The runtime's monotonic clock and its timers, which are late by up to a millisecond or two; `soon` where there are turns of the event loop to wait in. */
export const SYSTEM_CLOCK: Clock = {
  now: () => performance.now(),
  after: (delayMs, call) => {
    // Timers count whole milliseconds, and some runtimes cut the fraction off: rounded down, every tick would wake twice.
    const timer = setTimeout(call, Math.ceil(delayMs));
    return () => clearTimeout(timer);
  },
  ...(later && {
    soon: (delayMs: number, call: () => void) => (delayMs <= MOST_SPUN_MS ? spun(later, delayMs, call) : SYSTEM_CLOCK.after(delayMs, call)),
  }),
};

/** Kept, so that no compiler drops what makes it. */
let rested = 1;

/** Takes a few microseconds and no memory. */
function rest(seed: number): number {
  let value = seed;
  for (let i = 0; i < IDLE_PRODUCTS; i++) value = Math.imul(value, 5) + 1;
  return value;
}

/** As `after`: looks at the clock all the time, in turns of the event loop. It does not sleep in between: others would take the caches. */
function spun(later: Later, delayMs: number, call: () => void): () => void {
  const dueMs = performance.now() + delayMs;
  let isCancelled = false;
  const look = (): void => {
    if (isCancelled) return;
    const endMs = Math.min(dueMs, performance.now() + SLICE_MS);
    while (performance.now() < endMs) rested = rest(rested);
    if (endMs === dueMs) call();
    else later(look);
  };
  later(look);
  return () => {
    isCancelled = true;
  };
}
