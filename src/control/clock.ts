/** Time as the loop sees it. Another one makes a loop run in simulated time. */
export interface Clock {
  /** Milliseconds from any origin; never goes back. */
  now(): number;
  /** Calls once, about `delayMs` later, never before `after` has returned. Returns a function that cancels the call. */
  after(delayMs: number, call: () => void): () => void;
}

/** What is sooner is polled for where the runtime can: its timers are late by more than is left. */
const POLLED_MS = 2;

/** The runtime's monotonic clock and its timers, which are late by up to a millisecond or two. */
export const SYSTEM_CLOCK: Clock = {
  now: () => performance.now(),
  after: (delayMs, call) => {
    const { setImmediate } = globalThis as { readonly setImmediate?: Later };
    if (setImmediate && delayMs < POLLED_MS) return polled(setImmediate, delayMs, call);
    // Timers count whole milliseconds, and some runtimes cut the fraction off: rounded down, every tick would wake twice.
    const timer = setTimeout(call, Math.ceil(delayMs));
    return () => clearTimeout(timer);
  },
};

/** Calls once, in a later turn of the event loop; browsers have no such thing. */
type Later = (call: () => void) => unknown;

/** As `after`: asks for the time in every turn of the event loop. */
function polled(later: Later, delayMs: number, call: () => void): () => void {
  const dueMs = performance.now() + delayMs;
  let isCancelled = false;
  const look = (): void => {
    if (isCancelled) return;
    if (performance.now() >= dueMs) call();
    else later(look);
  };
  later(look);
  return () => {
    isCancelled = true;
  };
}
