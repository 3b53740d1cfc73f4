import type { AbortSignalLike } from '../foundation/abort-signal.js';
import { checkKeys, checkSignal } from '../foundation/options.js';
import { abortableSource } from './abortable-source.js';
import { type CheckpointSource, checkSource } from './source.js';
import type { LoadOptions } from './types.js';

/**
 * Loads from a source that it takes ownership of: closed where loading fails, else by what was loaded. `where`: the caller's name, for errors about
 * its arguments. @throws OptionError, the reason of the signal, and what `load` throws.
 */
export async function openCheckpoint<T>(
  where: string,
  given: CheckpointSource,
  options: LoadOptions,
  load: (source: CheckpointSource, signal: AbortSignalLike | undefined) => Promise<T>,
): Promise<T> {
  checkSource(where, 'source', given);
  checkKeys(where, options, ['signal']);
  checkSignal(where, options.signal);
  const source = abortableSource(given, options.signal);
  try {
    return await load(source, options.signal);
  } catch (error) {
    await source.close();
    throw error;
  }
}
