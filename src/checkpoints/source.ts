import { CheckpointError, OptionError } from '../foundation/errors.js';
import { checkInteger, checkMethods, checkObject, checkText } from '../foundation/options.js';
import { shownValue } from '../foundation/shown.js';

/** One file of a checkpoint, read at any position. */
export interface ByteSource {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Fills `into` with the bytes [offset, offset + into.byteLength); throws CheckpointError when the file is shorter. */
  read(offset: number, into: Uint8Array): Promise<void>;
}

/** A checkpoint folder, wherever it lies: a disk, a browser's file list, memory. */
export interface CheckpointSource {
  readonly name: string;
  /** Plain file names, without folders. */
  list(): Promise<readonly string[]>;
  /** Throws CheckpointError when there is no such file. */
  open(file: string): Promise<ByteSource>;
  /**
   * Paths of folders below this one that hold such a file, the likeliest first, for the message when it is not here. Left out
   * where there are no folders.
   */
  foldersWith?(file: string): Promise<readonly string[]>;
  /**
   * Asked after the last read. Throws CheckpointError when a file that was opened is not what it was then: what was read may
   * be a mixture of two files. Left out where files cannot change, or where a read would fail.
   */
  assertUnchanged?(): Promise<void>;
  close(): Promise<void>;
}

/** @throws OptionError for what is no source, before anything is asked of it. */
export function checkSource(where: string, name: string, source: unknown): void {
  checkMethods(where, name, source, 'a source (folderSource, blobSource, memorySource, or one of your own)', ['list', 'open', 'close']);
}

/** Files held in memory; strings are stored as UTF-8. @throws OptionError for contents that are neither bytes nor text. */
export function memorySource(name: string, files: Record<string, Uint8Array | string>): CheckpointSource {
  checkText('memorySource', 'name', name);
  checkObject('memorySource', 'files', files);
  const encoder = new TextEncoder();
  const sources = Object.entries(files).map(([file, content]): ByteSource => {
    const bytes = typeof content === 'string' ? encoder.encode(content) : content;
    if (!(bytes instanceof Uint8Array)) {
      throw new OptionError(`memorySource: "${file}" must be a Uint8Array or a text, found ${shownValue(content)}.`);
    }
    return {
      name: file,
      size: bytes.byteLength,
      read: async (offset, into) => {
        checkRange(file, bytes.byteLength, offset, into.byteLength);
        into.set(bytes.subarray(offset, offset + into.byteLength));
      },
    };
  });
  return fixedSource(name, sources);
}

/** Files picked in a browser (or any Blob); bytes are read on demand. */
export function blobSource(name: string, files: Iterable<NamedBlob>): CheckpointSource {
  checkText('blobSource', 'name', name);
  if (typeof (files as Partial<Iterable<NamedBlob>> | null)?.[Symbol.iterator] !== 'function' || typeof files === 'string') {
    throw new OptionError(`blobSource: files must be a list of files, found ${shownValue(files)}.`);
  }
  const sources = Array.from(files, (file): ByteSource => {
    checkMethods('blobSource', 'a file', file, 'a File, or a Blob with a name', ['slice']);
    return {
      name: checkText('blobSource', 'the name of a file', file.name),
      size: checkInteger('blobSource', 'the size of a file', file.size, 0, Number.MAX_SAFE_INTEGER),
      read: async (offset, into) => {
        checkRange(file.name, file.size, offset, into.byteLength);
        into.set(await readBlob(file.name, file.slice(offset, offset + into.byteLength)));
      },
    };
  });
  return fixedSource(name, sources);
}

/** A browser's `File`, or any Blob that has a name. */
export interface NamedBlob {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  slice(start: number, end: number): ReadableBlob;
}

/** What is used of a part of it. */
interface ReadableBlob {
  readonly size: number;
  arrayBuffer(): Promise<ArrayBuffer>;
}

/** A browser refuses to read a file that changed or vanished after it was picked. */
async function readBlob(file: string, blob: ReadableBlob): Promise<Uint8Array> {
  try {
    return new Uint8Array(await blob.arrayBuffer());
  } catch (cause) {
    throw new CheckpointError(
      `${file}: expected to read ${blob.size} bytes, found "${(cause as Error).message}". ` + 'Choose the files again.',
      { cause },
    );
  }
}

function fixedSource(name: string, sources: readonly ByteSource[]): CheckpointSource {
  const byName = new Map(sources.map((source) => [source.name, source]));
  return {
    name,
    list: async () => [...byName.keys()],
    open: async (file) => {
      const source = byName.get(file);
      if (source === undefined) {
        throw new CheckpointError(
          `${name}: expected a file "${file}", found ${listed([...byName.keys()])}. ` + 'Give the whole checkpoint folder.',
        );
      }
      return source;
    },
    close: async () => {},
  };
}

/** Throws CheckpointError unless [offset, offset + length) lies within a file of `size` bytes. */
export function checkRange(file: string, size: number, offset: number, length: number): void {
  if (!(offset >= 0 && offset + length <= size)) {
    throw new CheckpointError(
      `${file}: expected ${length} bytes at offset ${offset}, but the file has ${size} bytes. ` +
        'It is truncated: copy or download it again.',
    );
  }
}

/** A few names for a message, so that a folder of thousands of files does not fill the screen. */
export function listed(names: readonly string[], limit = 6): string {
  if (names.length === 0) return 'nothing';
  const shown = names
    .slice(0, limit)
    .map((name) => `"${name.slice(0, 120)}"`)
    .join(', ');
  return names.length > limit ? `${shown} and ${names.length - limit} more` : shown;
}
