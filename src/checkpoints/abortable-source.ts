import type { ByteSource, CheckpointSource } from './source.js';

/**
 * The same folder, whose calls end with the signal's reason as soon as it is aborted, also those that are under way: a disk
 * that hangs shall not keep a load from being stopped. Closing does not wait for such calls either.
 */
export function abortableSource(source: CheckpointSource, signal: AbortSignal | undefined): CheckpointSource {
  if (signal === undefined) return source;
  const abortableFile = (file: ByteSource): ByteSource => ({
    name: file.name,
    size: file.size,
    read: (offset, into) => untilAborted(signal, () => file.read(offset, into)),
  });
  return {
    name: source.name,
    list: () => untilAborted(signal, () => source.list()),
    open: (file) => untilAborted(signal, async () => abortableFile(await source.open(file))),
    foldersWith: async (file) => untilAborted(signal, async () => (await source.foldersWith?.(file)) ?? []),
    assertUnchanged: async () => untilAborted(signal, async () => source.assertUnchanged?.()),
    close: async () => {
      const closing = source.close();
      if (signal.aborted) closing.catch(() => {});
      else await closing;
    },
  };
}

async function untilAborted<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  let onAbort = (): void => {};
  try {
    return await new Promise<T>((resolve, reject) => {
      onAbort = () => reject(signal.reason);
      signal.addEventListener('abort', onAbort, { once: true });
      work().then(resolve, reject);
    });
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
