import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { type ByteSource, type CheckpointSource, checkRange } from '../../checkpoints/source.js';
import { CheckpointError, UnsupportedCheckpointError } from '../../foundation/errors.js';
import { checkText } from '../../foundation/options.js';
import { shownValue } from '../../foundation/shown.js';

/** A checkpoint folder on disk. Files stay open until `close`. */
export async function folderSource(folder: string): Promise<CheckpointSource> {
  checkText('folderSource', 'the folder', folder);
  const found = await stat(folder).catch(() => undefined);
  if (!found) throw new CheckpointError(`checkpoint folder "${shownValue(folder)}" does not exist.`);
  if (!found.isDirectory()) {
    if (folder.endsWith('.ckpt')) {
      throw new UnsupportedCheckpointError(
        `"${folder}" is a PyTorch pickle, which can run code when it is opened. Convert it in Python: save its ` +
          'state_dicts.ema_model with safetensors as model.safetensors, beside a LeRobot-style config.json, and give that folder.',
      );
    }
    throw new CheckpointError(`"${folder}" is a file; give the folder that holds config.json and model.safetensors.`);
  }
  const handles = new Set<FileHandle>();
  return {
    name: basename(resolve(folder)),
    list: async () => (await readdir(folder, { withFileTypes: true })).filter((entry) => !entry.isDirectory()).map((entry) => entry.name),
    open: async (file) => {
      const path = join(folder, file);
      const handle = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
        throw new CheckpointError(`cannot open "${path}": ${error.code === 'ENOENT' ? 'there is no such file' : error.message}.`);
      });
      handles.add(handle);
      return fileSource(path, handle, (await handle.stat()).size);
    },
    close: async () => {
      await Promise.all([...handles].map((handle) => handle.close()));
      handles.clear();
    },
  };
}

/** One file on disk. */
export async function openFile(path: string): Promise<ByteSource & { close(): Promise<void> }> {
  const handle = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    throw new CheckpointError(`cannot open "${path}": ${error.code === 'ENOENT' ? 'there is no such file' : error.message}.`);
  });
  return { ...fileSource(path, handle, (await handle.stat()).size), close: () => handle.close() };
}

function fileSource(name: string, handle: FileHandle, size: number): ByteSource {
  return {
    name,
    size,
    read: async (offset, into) => {
      checkRange(name, size, offset, into.byteLength);
      let filled = 0;
      while (filled < into.byteLength) {
        const { bytesRead } = await handle.read(into, filled, into.byteLength - filled, offset + filled);
        if (bytesRead === 0) throw new CheckpointError(`"${name}" ended at byte ${offset + filled} while it was read: was it changed?`);
        filled += bytesRead;
      }
    },
  };
}
