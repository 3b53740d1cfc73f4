/** The user pressed Ctrl-C. */
export class Interrupted extends Error {
  constructor() {
    super('interrupted');
    this.name = 'Interrupted';
  }
}

/**
 * Runs a task that Ctrl-C ends through its signal, so that what is open on the device is freed; so do the other signals that are named. A second
 * one ends the process at once, in case the driver hangs.
 */
export async function interruptible<T>(
  task: (signal: AbortSignal) => Promise<T>,
  signals: readonly NodeJS.Signals[] = ['SIGINT'],
): Promise<T> {
  const controller = new AbortController();
  const onInterrupt = (): void => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort(new Interrupted());
  };
  for (const name of signals) process.on(name, onInterrupt);
  try {
    return await task(controller.signal);
  } finally {
    for (const name of signals) process.off(name, onInterrupt);
  }
}
