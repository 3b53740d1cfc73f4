/**
 * Calls once, in a turn of the event loop after this one: whoever waits for what was just resolved, and whatever else is due,
 * goes first. Timers, which are there in every runtime, take a millisecond or more.
 */
export function inLaterTurn(call: () => void): void {
  const { setImmediate } = globalThis as { setImmediate?: (call: () => void) => unknown };
  if (setImmediate) setImmediate(call);
  else setTimeout(call, 0);
}
