import { readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { parseStrictJson } from '../../checkpoints/strict-json.js';
import { OptionError, WarmstepError } from '../../foundation/errors.js';
import { checkChoice } from '../../foundation/options.js';
import { SetupError } from '../../foundation/setup-error.js';
import { checkVariantTable } from '../../runtime/check-variant-table.js';
import type { AdapterFacts, OpenDeviceOptions } from '../../runtime/device.js';
import { adapterIdentity, type VariantTable } from '../../runtime/variant-table.js';
import type { VariantsChoice } from '../options.js';
import { fileProblem } from './file-problem.js';
import { outputFolder, writeOutputFile } from './output-file.js';

/** Environment variable that says whether what `warmstep tune` stored is used. */
const VARIANTS_VARIABLE = 'WARMSTEP_VARIANTS';

/** Tables take some tens of kilobytes. */
const MAX_TABLE_BYTES = 1024 * 1024;

/** What ComputeDevice.open takes for a choice. @throws OptionError for any other word. */
export function chooseVariants(choice: VariantsChoice = environmentChoice()): OpenDeviceOptions['variants'] {
  if (typeof choice !== 'string') return choice;
  const word = checkChoice('openDevice', `variants (option or ${VARIANTS_VARIABLE})`, choice, ['tuned', 'shipped']);
  return word === 'shipped' ? undefined : storedVariants;
}

function environmentChoice(): 'tuned' | 'shipped' {
  const word = process.env[VARIANTS_VARIABLE];
  return word === undefined ? 'tuned' : (word as 'tuned' | 'shipped');
}

/**
 * The table that `warmstep tune` stored for an adapter. It is an extra that nobody asked for by name: where it cannot be used,
 * there is a warning, and the shipped variants do.
 */
export function storedVariants(adapter: AdapterFacts, warn: (text: string) => void): VariantTable | undefined {
  try {
    return readVariants(variantFile(adapter), adapter);
  } catch (error) {
    if (!(error instanceof WarmstepError)) throw error;
    warn(`the shipped variants of the kernels are used: ${error.message}`);
    return undefined;
  }
}

/** Where the table of an adapter lies, for both profiles: in the cache folder of the user. @throws SetupError where there is none. */
export function variantFile(adapter: AdapterFacts): string {
  const slug = adapterIdentity(adapter)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '')
    // File names may have 255 bytes.
    .slice(0, 200);
  return join(cacheFolder(), 'warmstep', `variants-${slug}.json`);
}

/** @throws SetupError naming the file where it is damaged, of another version or of another adapter; undefined where there is none. */
export function readVariants(file: string, adapter: AdapterFacts): VariantTable | undefined {
  const bytes = readTable(file);
  if (bytes === undefined) return undefined;
  return { ...checkVariantTable(parse(file, bytes), adapterIdentity(adapter), file), file };
}

function readTable(file: string): Uint8Array | undefined {
  const fail = (problem: string): never => {
    throw new SetupError(
      `${file}: the table of variants cannot be read: ${problem}. Delete it, or set ${VARIANTS_VARIABLE}=shipped, which leaves it out.`,
    );
  };
  try {
    const found = statSync(file);
    // Opening a FIFO would wait for somebody who writes to it.
    if (!found.isFile()) return fail('it is not a regular file');
    if (found.size > MAX_TABLE_BYTES) return fail(`expected at most ${MAX_TABLE_BYTES} bytes, found ${found.size}`);
    return readFileSync(file);
  } catch (error) {
    if (error instanceof OptionError) throw error;
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    return fail(fileProblem(error));
  }
}

function parse(file: string, bytes: Uint8Array): unknown {
  try {
    return parseStrictJson(bytes, file);
  } catch (error) {
    throw new SetupError(
      `${file}: expected a table of variants as JSON, found something else. Delete it and run \`warmstep tune\` again, or set ` +
        `${VARIANTS_VARIABLE}=shipped, which leaves it out.`,
      { cause: error },
    );
  }
}

/** Writes a table so that nobody ever reads half of one. @throws OutputError naming the file where it cannot be written. */
export async function writeVariants(file: string, table: VariantTable): Promise<void> {
  await outputFolder(dirname(file));
  await writeOutputFile(file, `${JSON.stringify(table, null, 2)}\n`);
}

function cacheFolder(): string {
  const { XDG_CACHE_HOME: xdg, LOCALAPPDATA: local } = process.env;
  // The specification of these folders has relative paths ignored.
  if (xdg !== undefined && isAbsolute(xdg)) return xdg;
  switch (process.platform) {
    case 'win32':
      return local ?? join(homeFolder(), 'AppData', 'Local');
    case 'darwin':
      return join(homeFolder(), 'Library', 'Caches');
    default:
      return join(homeFolder(), '.cache');
  }
}

/** Node throws where a user has neither HOME nor an entry in the list of users, as in containers. */
function homeFolder(): string {
  let home: string;
  try {
    home = homedir();
  } catch {
    home = '';
  }
  if (isAbsolute(home)) return home;
  throw new SetupError(
    'variants-*.json: this user has no home folder, so there is no place for the table of variants. Set HOME or XDG_CACHE_HOME to a ' +
      `folder's full path, or ${VARIANTS_VARIABLE}=shipped.`,
  );
}
