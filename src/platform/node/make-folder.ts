import { mkdirSync, readlinkSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * A folder and those above it, made where they are missing. Not by `recursive` of `mkdir`: where a link leads nowhere, to a disk that is not mounted, or the
 * file system takes no folders (/proc), Node's tries for ever, and takes all memory.
 * @throws the system's error, or one that names the link.
 */
export function makeFolder(folder: string): void {
  try {
    mkdirSync(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const above = dirname(folder);
    if (code === 'ENOENT' && above !== folder) {
      makeFolder(above);
      makeLast(folder);
    } else refuseOther(folder, error);
  }
}

/** What is above it is there. Somebody else may have made it meanwhile. */
function makeLast(folder: string): void {
  try {
    mkdirSync(folder);
  } catch (error) {
    refuseOther(folder, error);
  }
}

/** @throws `error`, where no folder is there, or what says that a link is in its place. */
function refuseOther(folder: string, error: unknown): void {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return;
  const target = linkTarget(folder);
  throw target === undefined ? error : new Error(`${folder} is a link to ${target}, where no folder is`, { cause: error });
}

function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
