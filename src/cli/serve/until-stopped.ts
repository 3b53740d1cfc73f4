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
const NAMES = Object.keys(SIGNALS) as (keyof typeof SIGNALS)[];

/**
 * Serves a policy until SIGINT or SIGTERM, then stops the server and frees the policy; in five seconds it is over in any case. A second signal
 * ends the process at once. The policy is loaded once the server listens: a port that is taken is known before gigabytes are read.
 * @throws what the server could not listen for, or ended with by itself.
 */
export async function servedUntilStopped(policy: NamedPolicy, serve: (loaded: Promise<Policy>) => Promise<Stoppable>): Promise<void> {
  let stop = (): void => {};
  const stopped = new Promise<void>((resolve) => {
    stop = resolve;
  });
  let signals = 0;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (++signals > 1) process.exit(128 + SIGNALS[signal as keyof typeof SIGNALS]);
    stop();
  };
  // Before anybody can know that the server is there.
  for (const name of NAMES) process.on(name, onSignal);
  try {
    await served(policy, serve, stopped);
  } finally {
    for (const name of NAMES) process.off(name, onSignal);
  }
}

async function served(policy: NamedPolicy, serve: (loaded: Promise<Policy>) => Promise<Stoppable>, stopped: Promise<void>): Promise<void> {
  const loading = new AbortController();
  let begin = (): void => {};
  const loaded = new Promise<void>((resolve) => {
    begin = resolve;
  }).then(() => policy.load(loading.signal));
  const server = await serve(loaded);
  begin();
  let code = 0;
  try {
    await Promise.race([stopped, server.closed]);
  } catch (error) {
    code = 1;
    throw error;
  } finally {
    // A driver that hangs shall not keep the service manager waiting.
    const deadline = setTimeout(() => process.exit(code), MOST_MS).unref();
    try {
      loading.abort();
      await server.close();
      await (await loaded.catch(() => undefined))?.dispose();
    } finally {
      // Whatever goes on in this process is not the server's any more.
      clearTimeout(deadline);
    }
  }
}
