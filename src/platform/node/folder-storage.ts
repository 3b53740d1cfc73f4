import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { checkText } from '../../foundation/options.js';
import type { RunStorage } from '../../training/loop/run-storage.js';
import { openFile } from './folder-source.js';
import { makeOutputFolder, OutputFile, outputFolder } from './output-file.js';

/**
 * A folder on disk as the storage of a training run, made where it is missing. Files are written aside and renamed: what was there stays
 * until the new one is complete and on the disk.
 * @throws OutputError where nothing can be written there; its `write` as well, e.g. where the disk is full; its `open` CheckpointError.
 */
export async function folderStorage(folder: string): Promise<RunStorage> {
  const root = await outputFolder(checkText('folderStorage', 'the folder', folder));
  return {
    name: resolve(root),
    open: async (file) => {
      const path = join(root, file);
      return existsSync(path) ? openFile(path) : undefined;
    },
    write: async (file, pieces) => {
      const path = join(root, file);
      if (dirname(file) !== '.') makeOutputFolder(dirname(path));
      const output = await OutputFile.create(path);
      try {
        for await (const piece of pieces) await output.write(piece);
        await output.finish();
      } catch (error) {
        await output.discard();
        throw error;
      }
    },
  };
}
