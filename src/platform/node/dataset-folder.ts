import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import type { ByteSource } from '../../checkpoints/source.js';
import type { DatasetSource } from '../../datasets/files.js';
import { DatasetError } from '../../foundation/errors.js';
import { checkText } from '../../foundation/options.js';
import { shownValue } from '../../foundation/shown.js';
import { fileProblem } from './file-problem.js';
import { type OpenFile, openFile } from './folder-source.js';

/** Data sets have thousands of files, and a process may have a thousand open. */
const MOST_OPEN = 32;

/** A data set on disk: where it lies, and its files by path. */
export interface DatasetFolder {
  /** Absolute path. */
  readonly folder: string;
  readonly source: DatasetSource;
}

/**
 * A folder with all that is below it, or a single recording (`*.safetensors`). Few files are open at a time; one that was
 * written to since it was first opened is an error, not a mixture.
 * @throws DatasetError where there is no such folder.
 */
export async function datasetFolder(path: string): Promise<DatasetFolder> {
  checkText('openDataset', 'the folder', path);
  const found = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    const problem = cause.code === 'ENOENT' ? 'does not exist' : `cannot be opened: ${fileProblem(cause)}`;
    throw new DatasetError(`data set "${shownValue(path)}" ${problem}. Give the folder that holds it.`, { cause });
  });
  if (found.isDirectory()) {
    const folder = resolve(path);
    return { folder, source: new Folder(folder, basename(folder), await filesBelow(folder)) };
  }
  if (!path.endsWith('.safetensors')) {
    throw new DatasetError(`"${shownValue(path)}" is a file, and no recording (*.safetensors): give the folder that holds the data set.`);
  }
  const folder = resolve(dirname(path));
  return { folder, source: new Folder(folder, basename(path), [basename(path)]) };
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch((cause: unknown) => {
    throw new DatasetError(`data set "${folder}" cannot be listed: ${fileProblem(cause)}.`, { cause });
  });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + (folder.endsWith(sep) ? 0 : 1))
        .replaceAll(sep, '/'),
    );
}

/** A file that is open, and by how many reads it is used now. */
interface Use {
  readonly file: Promise<OpenFile>;
  reads: number;
  isDropped: boolean;
}

class Folder implements DatasetSource {
  readonly name: string;
  readonly #folder: string;
  readonly #paths: readonly string[];
  /** Files by path, the most recently used ones last. */
  readonly #open = new Map<string, Use>();
  /** What was known of a file when it was first opened. */
  readonly #seen = new Map<string, { readonly size: number; readonly modified: number }>();

  constructor(folder: string, name: string, paths: readonly string[]) {
    this.#folder = folder;
    this.name = name;
    this.#paths = paths;
  }

  async list(): Promise<readonly string[]> {
    return this.#paths;
  }

  async open(path: string): Promise<ByteSource> {
    const size = await this.#with(path, async (file) => file.size);
    return { name: path, size, read: (offset, into) => this.#with(path, (file) => file.read(offset, into)) };
  }

  async close(): Promise<void> {
    const uses = [...this.#open.values()];
    this.#open.clear();
    await Promise.all(uses.map((use) => this.#drop(use)));
  }

  /** Works with a file, which stays open as long as anybody does. */
  async #with<T>(path: string, work: (file: OpenFile) => Promise<T>): Promise<T> {
    const use = this.#use(path);
    use.reads++;
    try {
      return await work(await use.file);
    } finally {
      use.reads--;
      if (use.isDropped) await this.#drop(use);
    }
  }

  #use(path: string): Use {
    const use = this.#open.get(path) ?? { file: this.#opened(path), reads: 0, isDropped: false };
    this.#open.delete(path);
    this.#open.set(path, use);
    use.file.catch(() => this.#open.delete(path));
    for (const [oldest, other] of this.#open) {
      if (this.#open.size <= MOST_OPEN) break;
      this.#open.delete(oldest);
      this.#drop(other).catch(() => {});
    }
    return use;
  }

  /** Closes a file once nobody reads it. */
  async #drop(use: Use): Promise<void> {
    use.isDropped = true;
    if (use.reads > 0) return;
    const file = await use.file.catch(() => undefined);
    await file?.close().catch(() => {});
  }

  async #opened(path: string): Promise<OpenFile> {
    const place = join(this.#folder, path);
    const file = await openFile(place);
    const modified = (await stat(place)).mtimeMs;
    const before = this.#seen.get(path);
    if (before !== undefined && (before.size !== file.size || before.modified !== modified)) {
      await file.close();
      throw new DatasetError(`${place}: was written to while the data set was read. Open it again once it is complete.`);
    }
    this.#seen.set(path, { size: file.size, modified });
    return file;
  }
}
