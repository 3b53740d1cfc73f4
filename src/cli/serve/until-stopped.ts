import type { Policy } from '../../policy/policy.js';
import type { NamedPolicy } from './served-policy.js';

/** What runs until it is stopped. */
interface Stoppable {
  /** Resolves when it was closed, rejects where it ended by itself. */
  readonly closed: Promise<void>;
  close(): Promise<void>;
}

/** A service manager waits a little longer than this before it kills. */
const MOST_MS = 4_900;
const SIGNALS = { SIGINT: 2, SIGTERM: 15 } as const;

/**
 * Waits until SIGINT or SIGTERM, then stops the server and runs `after`; in five seconds it is over in any case. A second signal ends the process at
 * once. `onStop`: called first, so that what is still being loaded is given up.
 * @throws what the server ended with by itself.
 */
async function untilStopped(server: Stoppable, onStop: () => void, after: () => Promise<void>): Promise<void> {
  let stop = (): void => {};
  const stopped = new Promise<void>((resolve) => {
    stop = resolve;
  });
  let signals = 0;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (++signals > 1) process.exit(128 + SIGNALS[signal as keyof typeof SIGNALS]);
    stop();
  };
  for (const signal of Object.keys(SIGNALS)) process.on(signal, onSignal);
  let code = 0;
  try {
    await Promise.race([stopped, server.closed]);
  } catch (error) {
    code = 1;
    throw error;
  } finally {
    // A driver that hangs shall not keep the service manager waiting.
    setTimeout(() => process.exit(code), MOST_MS).unref();
    onStop();
    await server.close();
    await after();
    for (const signal of Object.keys(SIGNALS)) process.off(signal, onSignal);
  }
}

/**
 * Serves a policy until the server is stopped, and frees it. It is loaded once the server listens: a port that is taken is known before gigabytes are
 * read.
 */
export async function servedUntilStopped(policy: NamedPolicy, serve: (loaded: Promise<Policy>) => Promise<Stoppable>): Promise<void> {
  const loading = new AbortController();
  let begin = (): void => {};
  const loaded = new Promise<void>((resolve) => {
    begin = resolve;
  }).then(() => policy.load(loading.signal));
  const server = await serve(loaded);
  begin();
  await untilStopped(
    server,
    () => loading.abort(),
    async () => (await loaded.catch(() => undefined))?.dispose(),
  );
}
