import { existsSync, realpathSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { UsageError } from '../terminal/options.js';
import { LOCK_FILE } from './folder-lock.js';

/** What folders hold that took long to make, by a file that tells. */
const KINDS: readonly (readonly [string, string])[] = [
  ['model.safetensors', 'a checkpoint'],
  ['config.json', 'a checkpoint'],
  ['training/state.safetensors', 'a training run'],
  // Before there is a state, while it is under way.
  [`training/${LOCK_FILE}`, 'a training run'],
  ['episodes.jsonl', 'an evaluation'],
  ['evaluation.json', 'an evaluation'],
  ['meta/info.json', 'a data set'],
  ['zarr.json', 'a data set'],
  ['.zgroup', 'a data set'],
  ['meta/episode_ends', 'a data set'],
  ['episode_ends.i32', 'a data set'],
];

/** What of all that a command may find in a folder for its results. */
export interface OwnFiles {
  /** Files, one of which tells that the command wrote the folder itself: whatever else is in it may be written over. */
  readonly own?: readonly string[];
  /** Whether one of the files above that is there is the command's own, and may be written over: all others are looked at. */
  readonly isOwn?: (file: string) => boolean;
}

/**
 * Refuses a folder for results that holds something else: a checkpoint, a training run, an evaluation, a data set.
 * @throws UsageError.
 */
export function refusePrecious(name: string, folder: string, { own = [], isOwn = () => false }: OwnFiles = {}): void {
  if (own.some((file) => existsSync(join(folder, file)))) return;
  for (const [file, kind] of KINDS) {
    if (existsSync(join(folder, file)) && !isOwn(file))
      throw new UsageError(`--${name}: ${folder} holds ${kind} (${file}), which would be written over: name another folder.`);
  }
}

/**
 * Refuses a file for results that is one of the inputs, or a file in a folder that is one; inputs on the Hub are none.
 * @throws UsageError.
 */
export function refuseInputs(name: string, file: string, inputs: readonly (string | undefined)[]): void {
  // What is not there yet is neither read nor written over.
  if (!existsSync(file)) return;
  const place = realpathSync(file);
  for (const input of inputs) {
    if (input === undefined || !existsSync(input)) continue;
    const from = realpathSync(input);
    if (place === from) throw new UsageError(`--${name} must be another file than what is read, found ${file} for both`);
    if (isWithin(place, from))
      throw new UsageError(`--${name}: ${file} is a file of ${input}, which is read, and would be written over: name another file.`);
  }
}

function isWithin(file: string, folder: string): boolean {
  const way = relative(folder, file);
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`);
}
