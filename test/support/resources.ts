import { readdirSync } from 'node:fs';

/** What a process holds of its system. */
export interface Resources {
  /** Open file descriptors. */
  readonly descriptors: number;
  readonly threads: number;
  /** Resident bytes. */
  readonly rss: number;
  /** Bytes that JavaScript holds, inside of its heap and outside. */
  readonly heap: number;
}

/** Whether this system tells of descriptors and threads. */
export const COUNTS_RESOURCES = process.platform === 'linux';

/** What is held after everything that can be collected was. Needs --expose-gc, as vitest.config.ts gives it. */
export async function settledResources(): Promise<Resources> {
  const collect = globalThis.gc;
  if (!collect) throw new Error('run with --expose-gc, as vitest.config.ts does for this kind of file');
  // Finalizers of native objects run a turn after they were collected, and let go of further ones.
  for (let i = 0; i < 5; i++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { rss, heapUsed, external } = process.memoryUsage();
  const count = (folder: string): number => (COUNTS_RESOURCES ? readdirSync(folder).length : 0);
  return { descriptors: count('/proc/self/fd'), threads: count('/proc/self/task'), rss, heap: heapUsed + external };
}
