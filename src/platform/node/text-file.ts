import { readFile } from 'node:fs/promises';
import { SetupError } from '../../foundation/setup-error.js';
import { fileProblem } from './file-problem.js';

/**
 * The text of a file that somebody named, which may be a pipe; the system's own error does not say which, where it was no file.
 * @throws SetupError naming it.
 */
export async function readTextFile(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new SetupError(`${path}: ${fileProblem(error)}.`, { cause: error });
  }
}
