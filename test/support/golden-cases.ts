import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const GOLDENS = fileURLToPath(new URL('../goldens', import.meta.url));

const ALL = readdirSync(GOLDENS, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && existsSync(join(GOLDENS, entry.name, 'case.json')))
  .map((entry) => entry.name);

/** Recorded cases of whole decisions. A folder of cases for something else, such as `methods`, is none itself. */
export const CASES = ALL.filter((name) => !name.startsWith('train-'));

/** Those that take a software driver seconds, with kernels that the others have as well. */
export const LARGE_CASES: readonly string[] = ['step-pusht-trained', 'methods/rti-dp-clip', 'methods/rti-dp-scale'];

/** Recorded training runs. */
export const TRAINING_CASES = ALL.filter((name) => name.startsWith('train-'));
