import { existsSync, realpathSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { UsageError } from '../terminal/options.js';

/** What folders hold that took long to make, by a file that tells. */
const KINDS: readonly (readonly [string, string])[] = [
  ['model.safetensors', 'a checkpoint'],
  ['config.json', 'a checkpoint'],
  ['meta/info.json', 'a data set'],
  ['training/state.safetensors', 'a training run'],
];

/**
 * Refuses a folder for results that holds something else: a checkpoint, a data set, a training run. `own`: a file by which a command knows a folder
 * that it wrote itself.
 * @throws UsageError.
 */
export function refusePrecious(name: string, folder: string, own?: string): void {
  if (own !== undefined && existsSync(join(folder, own))) return;
  const found = KINDS.find(([file]) => existsSync(join(folder, file)));
  if (found)
    throw new UsageError(`--${name}: ${folder} holds ${found[1]} (${found[0]}), which would be written over: name another folder.`);
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
