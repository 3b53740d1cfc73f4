import { copyFile, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import type { HubReference } from '../../../remote/hub/reference.js';
import { makeOutputFolder } from '../output-file.js';

/**
 * The cache folder of one repository, in the layout of Python's `huggingface_hub`, which reads and fills it as well:
 *
 *     models--OWNER--NAME/refs/REVISION                 the commit that it was
 *                        /blobs/ETAG                    contents
 *                        /snapshots/COMMIT/PATH         → ../../blobs/ETAG
 */
export class HubCache {
  readonly #root: string;

  constructor(cache: string, { kind, repository }: HubReference) {
    this.#root = join(cache, `${kind}s--${repository.replaceAll('/', '--')}`);
  }

  snapshot(commit: string): string {
    return join(this.#root, 'snapshots', commit);
  }

  blob(etag: string): string {
    return join(this.#root, 'blobs', etag);
  }

  /** The commit that a revision was when it was last asked for; itself if it is one; undefined where it never was. */
  async commitOf(revision: string): Promise<string | undefined> {
    if (/^[0-9a-f]{40}$/.test(revision)) return revision;
    const text = await readFile(join(this.#root, 'refs', revision), 'utf8').catch(() => '');
    return /^[0-9a-f]{40}$/.test(text.trim()) ? text.trim() : undefined;
  }

  async setCommit(revision: string, commit: string): Promise<void> {
    if (revision === commit || (await this.commitOf(revision)) === commit) return;
    const file = join(this.#root, 'refs', revision);
    makeOutputFolder(dirname(file));
    await replaceFile(file, (name) => writeFile(name, commit));
  }

  /** Whether a snapshot has a file, with its content. */
  async has(commit: string, path: string): Promise<boolean> {
    return isFile(join(this.snapshot(commit), path));
  }

  async hasBlob(etag: string, size: number): Promise<boolean> {
    const found = await stat(this.blob(etag)).catch(() => undefined);
    return found?.isFile() === true && found.size === size;
  }

  /** Puts a content that is there into a snapshot: a relative link, or a copy where the file system has no links. */
  async link(commit: string, path: string, etag: string): Promise<void> {
    const file = join(this.snapshot(commit), path);
    makeOutputFolder(dirname(file));
    const target = relative(dirname(file), this.blob(etag));
    await replaceFile(file, (name) => symlink(target, name).catch(() => copyFile(this.blob(etag), name)));
  }

  async prepare(): Promise<void> {
    makeOutputFolder(join(this.#root, 'blobs'));
  }

  /**
   * Where an unfinished content of this process is written. What another process began and, being dead, will not finish, is taken over
   * with all that it has: renaming is what one of several takers wins.
   */
  async unfinished(etag: string): Promise<string> {
    const own = `${this.blob(etag)}.incomplete.${process.pid}`;
    if (await isFile(own)) return own;
    const prefix = `${etag}.incomplete.`;
    for (const name of await readdir(join(this.#root, 'blobs')).catch(() => [])) {
      const pid = name.startsWith(prefix) ? Number(name.slice(prefix.length)) : Number.NaN;
      if (!Number.isSafeInteger(pid) || pid <= 0 || isAlive(pid)) continue;
      const isTaken = await rename(join(this.#root, 'blobs', name), own).then(
        () => true,
        () => false,
      );
      if (isTaken) break;
    }
    return own;
  }
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

let made = 0;

/** Makes a file or link under another name, and gives it its own at once: nobody sees a part of it. */
async function replaceFile(file: string, make: (name: string) => Promise<void>): Promise<void> {
  const name = `${file}.${process.pid}.${made++}`;
  try {
    await make(name);
    await rename(name, file);
  } catch (error) {
    await rm(name, { force: true });
    throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // A process of somebody else is alive.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
