import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { OptionError } from '../../foundation/errors.js';
import { checkChoice } from '../../foundation/options.js';
import type { AdapterFacts, OpenDeviceOptions } from '../../runtime/device.js';
import { adapterIdentity, checkVariantTable, type VariantTable } from '../../runtime/variant-table.js';
import type { VariantsChoice } from '../options.js';

/** Environment variable that says whether what `warmstep tune` stored is used. */
export const VARIANTS_VARIABLE = 'WARMSTEP_VARIANTS';

/** What ComputeDevice.open takes for a choice. @throws OptionError for any other word. */
export function chooseVariants(choice: VariantsChoice = environmentChoice()): OpenDeviceOptions['variants'] {
  if (typeof choice !== 'string') return choice;
  const word = checkChoice('openDevice', `variants (option or ${VARIANTS_VARIABLE})`, choice, ['tuned', 'shipped']);
  return word === 'shipped' ? undefined : (adapter) => readVariants(variantFile(adapter), adapter);
}

function environmentChoice(): 'tuned' | 'shipped' {
  const word = process.env[VARIANTS_VARIABLE];
  return word === undefined ? 'tuned' : (word as 'tuned' | 'shipped');
}

/** Where the table of an adapter lies, for both profiles: in the cache folder of the user. */
export function variantFile(adapter: AdapterFacts): string {
  const slug = adapterIdentity(adapter)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '');
  return join(cacheFolder(), 'warmstep', `variants-${slug}.json`);
}

/** @throws OptionError naming the file where it is damaged, of another version or of another adapter; undefined where there is none. */
export function readVariants(file: string, adapter: AdapterFacts): VariantTable | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new OptionError(
      `${file}: the table of variants cannot be read (${(error as Error).message}). Delete it, or set ${VARIANTS_VARIABLE}=shipped.`,
    );
  }
  return { ...checkVariantTable(parse(file, text), adapterIdentity(adapter), file), file };
}

function parse(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new OptionError(
      `${file}: expected a table of variants as JSON, found something else. Delete it and run \`warmstep tune\` again.`,
    );
  }
}

/** Writes a table so that nobody ever reads half of one. */
export function writeVariants(file: string, table: VariantTable): void {
  mkdirSync(dirname(file), { recursive: true });
  const unfinished = `${file}.${process.pid}`;
  writeFileSync(unfinished, `${JSON.stringify(table, null, 2)}\n`);
  renameSync(unfinished, file);
}

function cacheFolder(): string {
  const { XDG_CACHE_HOME: xdg, LOCALAPPDATA: local } = process.env;
  if (xdg !== undefined && xdg !== '') return xdg;
  switch (process.platform) {
    case 'win32':
      return local ?? join(homedir(), 'AppData', 'Local');
    case 'darwin':
      return join(homedir(), 'Library', 'Caches');
    default:
      return join(homedir(), '.cache');
  }
}
