import { dirname, join } from 'node:path';
import { checkOutputFile, makeOutputFolder, OutputError, outputFolder } from '../platform/node/output-file.js';
import { UsageError } from '../terminal/options.js';
import { type OwnFiles, refuseInputs, refusePrecious } from './precious.js';

/**
 * An option that names a file to be written; undefined where it was not given. Before anything runs: what can be known to fail
 * shall not cost the work. `inputs`: files and folders that are read, of which it must be none.
 */
export async function outputFileOption(
  name: string,
  path: string | undefined,
  inputs: readonly (string | undefined)[] = [],
): Promise<string | undefined> {
  if (path === undefined) return undefined;
  refuseBlank(name, path);
  refuseInputs(name, path, inputs);
  await blamed(name, () => checkOutputFile(path));
  return path;
}

/** The same of a file whose folder is made where it is missing. */
export async function placedFileOption(name: string, path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  refuseBlank(name, path);
  await blamed(name, () => makeOutputFolder(dirname(path)));
  return outputFileOption(name, path);
}

/**
 * The folder that results go to, made where it is missing, and the files in it. Before anything runs, likewise. What took long to make, such as a checkpoint
 * or an evaluation, is never written over, but for what is the command's `own`.
 */
export async function outputFolderOption(name: string, path: string, files: readonly string[] = [], own: OwnFiles = {}): Promise<string> {
  refuseBlank(name, path);
  refusePrecious(name, path, own);
  const folder = await blamed(name, () => outputFolder(path));
  for (const file of files) await blamed(name, () => checkOutputFile(join(folder, file)));
  return folder;
}

/** A name of nothing would be the folder that the command runs in. */
function refuseBlank(name: string, path: string): void {
  if (path.trim() === '') throw new UsageError(`--${name} is empty: name a place, or leave it out`);
}

async function blamed<T>(name: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof OutputError ? new UsageError(`--${name}: ${error.message}`) : error;
  }
}
