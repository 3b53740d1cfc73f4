/** Time as the loop sees it. Another one makes a loop run in simulated time. */
export interface Clock {
  /** Milliseconds from any origin; never goes back. */
  now(): number;
  /** Calls once, about `delayMs` later, never before `after` has returned. Returns a function that cancels the call. */
  after(delayMs: number, call: () => void): () => void;
}

/** The runtime's monotonic clock and its timers, which are late by up to a millisecond or two. */
export const SYSTEM_CLOCK: Clock = {
  now: () => performance.now(),
  after: (delayMs, call) => {
    // Timers count whole milliseconds, and some runtimes cut the fraction off: rounded down, every tick would wake twice.
    const timer = setTimeout(call, Math.ceil(delayMs));
    return () => clearTimeout(timer);
  },
};
