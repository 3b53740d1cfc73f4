import { type BigIntStats, constants } from 'node:fs';
import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { type ByteSource, type CheckpointSource, checkRange } from '../../checkpoints/source.js';
import { CheckpointError, UnsupportedCheckpointError } from '../../foundation/errors.js';
import { checkText } from '../../foundation/options.js';
import { shownValue } from '../../foundation/shown.js';
import { fileProblem } from './file-problem.js';
import { foldersWith } from './folders-with.js';

/**
 * A checkpoint folder on disk. Files stay open until `close`.
 * @throws CheckpointError where there is no such folder; its calls as well, for anything that is not a regular file or cannot
 * be read.
 */
export async function folderSource(folder: string): Promise<CheckpointSource> {
  checkText('folderSource', 'the folder', folder);
  const found = await stat(folder).catch((error: NodeJS.ErrnoException) => {
    const problem =
      error.code === 'ENOENT'
        ? 'does not exist.'
        : `cannot be opened: ${fileProblem(error)}. Give the folder that holds config.json and model.safetensors.`;
    throw new CheckpointError(`checkpoint folder "${shownValue(folder)}" ${problem}`, { cause: error });
  });
  if (!found.isDirectory()) {
    if (folder.endsWith('.ckpt')) {
      throw new UnsupportedCheckpointError(
        `"${folder}" is a PyTorch pickle, which can run code when it is opened. Convert it in Python: save its ` +
          'state_dicts.ema_model with safetensors as model.safetensors, beside a LeRobot-style config.json, and give that folder.',
      );
    }
    throw new CheckpointError(`"${folder}" is a file; give the folder that holds config.json and model.safetensors.`);
  }
  const files = new Set<OpenFile>();
  let isClosed = false;
  return {
    name: basename(resolve(folder)),
    list: async () => {
      // A policy that is loaded again lists its files anew.
      isClosed = false;
      const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
        throw new CheckpointError(`checkpoint folder "${folder}" cannot be listed: ${fileProblem(error)}.`, { cause: error });
      });
      return entries.filter((entry) => !entry.isDirectory()).map((entry) => entry.name);
    },
    open: async (name) => {
      const file = await openFile(join(folder, name));
      // A load that was aborted closes its source while this is under way.
      if (isClosed) await file.close();
      else files.add(file);
      return file;
    },
    foldersWith: (name) => foldersWith(folder, name),
    assertUnchanged: async () => {
      for (const file of files) await file.assertUnchanged();
    },
    close: async () => {
      isClosed = true;
      const closing = [...files].map((file) => file.close());
      files.clear();
      await Promise.all(closing);
    },
  };
}

/** One file on disk. */
export interface OpenFile extends ByteSource {
  /** Throws CheckpointError when the path does not lead to the very file any more, or it was written to. */
  assertUnchanged(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens a regular file. Anything else is refused before it is opened: a FIFO, a socket or a terminal would keep a thread of
 * this process waiting for whoever writes, for good.
 * @throws CheckpointError
 */
export async function openFile(path: string): Promise<OpenFile> {
  try {
    assertRegular(path, await stat(path, { bigint: true }));
    // Not waiting matters only where the file is exchanged for a FIFO just now. Windows has no such flag.
    const handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    try {
      const opened = await handle.stat({ bigint: true });
      assertRegular(path, opened);
      return openedFile(path, handle, opened);
    } catch (error) {
      await handle.close();
      throw error;
    }
  } catch (error) {
    if (error instanceof CheckpointError) throw error;
    throw new CheckpointError(`cannot open "${path}": ${fileProblem(error)}.`, { cause: error });
  }
}

function assertRegular(path: string, found: BigIntStats): void {
  if (found.isFile()) return;
  throw new CheckpointError(`cannot open "${path}": expected a regular file, found ${kindOf(found)}. Put the file itself there.`);
}

function kindOf(found: BigIntStats): string {
  if (found.isDirectory()) return 'a folder';
  if (found.isFIFO()) return 'a FIFO';
  if (found.isSocket()) return 'a socket';
  return 'a device';
}

function openedFile(path: string, handle: FileHandle, opened: BigIntStats): OpenFile {
  const size = Number(opened.size);
  return {
    name: path,
    size,
    read: async (offset, into) => {
      checkRange(path, size, offset, into.byteLength);
      let filled = 0;
      while (filled < into.byteLength) {
        const { bytesRead } = await handle.read(into, filled, into.byteLength - filled, offset + filled).catch((error: unknown) => {
          throw new CheckpointError(`cannot read "${path}": ${fileProblem(error)}.`, { cause: error });
        });
        if (bytesRead === 0) throw new CheckpointError(`"${path}" ended at byte ${offset + filled} while it was read: was it changed?`);
        filled += bytesRead;
      }
    },
    assertUnchanged: async () => {
      const now = await stat(path, { bigint: true }).catch(() => undefined);
      if (now?.dev === opened.dev && now.ino === opened.ino && now.size === opened.size && now.mtimeNs === opened.mtimeNs) return;
      throw new CheckpointError(
        `"${path}" was ${now?.ino === opened.ino ? 'written to' : 'replaced or removed'} while it was read, so what was read may be a mixture ` +
          'of two files. Load it again once it is complete.',
      );
    },
    close: () => handle.close(),
  };
}
