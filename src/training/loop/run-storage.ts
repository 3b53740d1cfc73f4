import { type ByteSource, checkRange } from '../../checkpoints/source.js';
import { OptionError } from '../../foundation/errors.js';
import { joined } from '../../foundation/joined.js';
import { checkMethods, checkText } from '../../foundation/options.js';

/** Where a run keeps what it makes: a folder on a disk, or whatever a program has in its place. */
export interface RunStorage {
  /** For messages. */
  readonly name: string;
  /** A file that was written before; undefined where there is none. `close` after the last read. */
  open(file: string): Promise<StoredFile | undefined>;
  /**
   * Writes a whole file: afterwards it has the new content, or, where this throws, the one that it had. Names are plain, or in one folder
   * ("training/state.safetensors").
   */
  write(file: string, pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void>;
}

export interface StoredFile extends ByteSource {
  close(): Promise<void>;
}

/** A storage in memory, and what is in it. */
export interface MemoryStorage extends RunStorage {
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** Keeps files in memory: for tests, and for programs that hand on the result themselves. */
export function memoryStorage(name = 'memory'): MemoryStorage {
  checkText('memoryStorage', 'name', name);
  const files = new Map<string, Uint8Array>();
  return {
    name,
    files,
    open: async (file) => {
      const bytes = files.get(file);
      if (bytes === undefined) return undefined;
      return {
        name: `${name}/${file}`,
        size: bytes.byteLength,
        read: async (offset, into) => {
          checkRange(file, bytes.byteLength, offset, into.byteLength);
          into.set(bytes.subarray(offset, offset + into.byteLength));
        },
        close: async () => {},
      };
    },
    write: async (file, pieces) => {
      const parts: Uint8Array[] = [];
      for await (const piece of pieces) parts.push(piece.slice());
      files.set(file, joined(parts));
    },
  };
}

/**
 * A folder on disk, made where it is missing. Files are written aside and renamed: what was there stays until the new one is complete.
 * Node's `warmstep/training` has it; elsewhere it throws.
 * @throws OutputError where nothing can be written there; OptionError where the runtime has no folders.
 */
export async function folderStorage(folder: string): Promise<RunStorage> {
  checkText('folderStorage', 'the folder', folder);
  throw new OptionError(`folderStorage: this runtime has no folders: keep the run in memoryStorage(), or write a storage of your own.`);
}

/** @throws OptionError for what is no storage, before anything is asked of it. */
export function checkStorage(where: string, name: string, storage: unknown): void {
  checkMethods(where, name, storage, 'a storage (folderStorage, memoryStorage, or one of your own)', ['open', 'write']);
}

/** All bytes of a small file as text; undefined where there is none. */
export async function readText(storage: RunStorage, file: string): Promise<string | undefined> {
  const found = await storage.open(file);
  if (found === undefined) return undefined;
  try {
    const bytes = new Uint8Array(found.size);
    await found.read(0, bytes);
    return new TextDecoder().decode(bytes);
  } finally {
    await found.close();
  }
}

export function writeText(storage: RunStorage, file: string, text: string): Promise<void> {
  return storage.write(file, [new TextEncoder().encode(text)]);
}
