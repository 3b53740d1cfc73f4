import { appendFileSync, truncateSync } from 'node:fs';
import { access, type FileHandle, constants as files, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { WarmstepError } from '../../foundation/errors.js';
import { fileProblem } from './file-problem.js';
import { makeFolder } from './make-folder.js';

/** A file or folder cannot be written: free space, change its rights, or name another one. */
export class OutputError extends WarmstepError {}

/** Names of unfinished files are short, so that every name that a folder takes can be written to it. */
let unfinished = 0;

/**
 * Finds out whether a file could be written, before the work for it is done: makes an unfinished one beside it, and takes it
 * away again. A folder that is missing is not made.
 * @throws OutputError saying what stands in the way.
 */
export async function checkOutputFile(path: string): Promise<void> {
  const { place, isDevice } = await placeOf(path);
  if (isDevice) return worded(path, access(place, files.W_OK));
  const file = await OutputFile.create(path);
  await file.discard();
}

/**
 * A folder that files can be written to, made where it is missing; returns its absolute path.
 * @throws OutputError saying what stands in the way.
 */
export async function outputFolder(path: string): Promise<string> {
  const folder = resolve(path);
  makeOutputFolder(folder);
  await checkOutputFile(join(folder, 'output'));
  return folder;
}

/** A folder and those above it, made where they are missing. @throws OutputError saying what stands in the way, such as a link that leads nowhere. */
export function makeOutputFolder(path: string): void {
  wordedNow(path, () => makeFolder(path));
}

/**
 * Writes a whole file: it has the new content, or is what it was.
 * @throws OutputError, e.g. where the disk is full.
 */
export async function writeOutputFile(path: string, content: string | Uint8Array): Promise<void> {
  const file = await OutputFile.create(path);
  try {
    await file.write(content);
    await file.finish();
  } catch (error) {
    await file.discard();
    throw error;
  }
}

/** Adds to the end of a file. @throws OutputError; a part of the text may then be in the file. */
export function appendToOutputFile(path: string, text: string): void {
  wordedNow(path, () => appendFileSync(path, text));
}

/** Takes away what is behind the first `bytes` of a file. @throws OutputError. */
export function truncateOutputFile(path: string, bytes: number): void {
  wordedNow(path, () => truncateSync(path, bytes));
}

/**
 * A file in the making, under another name beside its own. Whoever creates one ends it, by `finish` or by `discard`. What is no
 * file but a device (`/dev/null`) is written to directly.
 */
export class OutputFile {
  readonly #path: string;
  readonly #place: string;
  /** Undefined for a device. */
  readonly #unfinished: string | undefined;
  readonly #handle: FileHandle;

  private constructor(path: string, place: string, unfinishedFile: string | undefined, handle: FileHandle) {
    this.#path = path;
    this.#place = place;
    this.#unfinished = unfinishedFile;
    this.#handle = handle;
  }

  /** @throws OutputError where the file could not take the name in the end, or nothing can be written beside it. */
  static async create(path: string): Promise<OutputFile> {
    const { place, isDevice, mode } = await placeOf(path);
    if (isDevice) return new OutputFile(path, place, undefined, await worded(path, open(place, 'w')));
    const name = join(dirname(place), `.warmstep-${process.pid}-${unfinished++}`);
    const handle = await worded(path, open(name, 'wx'));
    const file = new OutputFile(path, place, name, handle);
    // Who could read the old file may read the new one.
    if (mode !== undefined) await handle.chmod(mode & 0o777).catch(() => {});
    return file;
  }

  async write(content: string | Uint8Array): Promise<void> {
    await worded(this.#path, this.#handle.writeFile(content));
  }

  /** The file has its name, and its content is on the disk. */
  async finish(): Promise<void> {
    if (this.#unfinished !== undefined) await worded(this.#path, this.#handle.sync());
    await worded(this.#path, this.#handle.close());
    if (this.#unfinished !== undefined) await worded(this.#path, rename(this.#unfinished, this.#place));
  }

  /** Nothing is left of it. */
  async discard(): Promise<void> {
    await this.#handle.close().catch(() => {});
    if (this.#unfinished !== undefined) await rm(this.#unfinished, { force: true }).catch(() => {});
  }
}

/** Where a file really lies: a link stays a link, and what it points to is exchanged. */
async function placeOf(path: string): Promise<{ place: string; isDevice: boolean; mode?: number }> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw outputError(path, error);
  });
  if (!found) {
    if (/[\\/]$/.test(path)) throw new OutputError(`${path} cannot be written: it is the name of a folder. Give a file.`);
    return { place: path, isDevice: false };
  }
  const place = await worded(path, realpath(path));
  if (found.isFile()) return { place, isDevice: false, mode: found.mode };
  if (found.isCharacterDevice()) return { place, isDevice: true };
  throw new OutputError(`${path} cannot be written: it is ${found.isDirectory() ? 'a folder' : 'no regular file'}. Give another file.`);
}

async function worded<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw outputError(path, error);
  }
}

function wordedNow(path: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    throw outputError(path, error);
  }
}

function outputError(path: string, cause: unknown): OutputError {
  const { code } = cause as NodeJS.ErrnoException;
  const advice: Readonly<Record<string, string>> = {
    ENOENT: 'Make its folder',
    EACCES: 'Change the rights of its folder, or give another place',
    EPERM: 'Change the rights of its folder, or give another place',
    ENOSPC: 'Free space, or give another place',
    EDQUOT: 'Free space, or give another place',
    ENAMETOOLONG: 'Give a shorter one',
  };
  return new OutputError(`${path} cannot be written: ${fileProblem(cause)}. ${advice[code ?? ''] ?? 'Give another place'}.`, { cause });
}
