import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { OptionError } from '../../src/foundation/errors.js';
import { OutputError } from '../../src/platform/node/output-file.js';
import { chooseVariants, readVariants, storedVariants, variantFile, writeVariants } from '../../src/platform/node/variants.js';
import type { AdapterFacts } from '../../src/runtime/device.js';
import type { VariantTable } from '../../src/runtime/variant-table.js';
import { asStranger } from '../support/stranger.js';

const ADAPTER: AdapterFacts = {
  vendor: 'v',
  architecture: '',
  device: '',
  description: 'An adapter (1.0)',
  isFallback: false,
  profile: 'safe',
};
const TABLE: VariantTable = { version: 1, adapter: 'An adapter (1.0)', convolutions: {} };
const onUnix = it.skipIf(process.platform === 'win32');

let cache: string;
let file: string;

beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'warmstep-cache-'));
  vi.stubEnv('XDG_CACHE_HOME', cache);
  file = variantFile(ADAPTER);
  mkdirSync(dirname(file));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(cache, { recursive: true });
});

/** What the default choice finds, and what it complains of. */
function stored(): { readonly table: VariantTable | undefined; readonly warnings: string[] } {
  const warnings: string[] = [];
  const table = storedVariants(ADAPTER, (text) => warnings.push(text));
  return { table, warnings };
}

function expectShipped(problem: RegExp): void {
  const { table, warnings } = stored();
  expect(table).toBeUndefined();
  expect(warnings).toEqual([expect.stringMatching(/^the shipped variants of the kernels are used: .*WARMSTEP_VARIANTS=shipped/)]);
  expect(warnings[0]).toMatch(problem);
}

describe('the table of variants in the cache folder', () => {
  it('is found there, and is no matter where there is none', async () => {
    expect(file).toBe(join(cache, 'warmstep', 'variants-an-adapter-1-0.json'));
    expect(stored()).toEqual({ table: undefined, warnings: [] });
    await writeVariants(file, TABLE);
    expect(stored()).toEqual({ table: { ...TABLE, file }, warnings: [] });
    expect(readdirSync(dirname(file))).toHaveLength(1);
    expect(chooseVariants('tuned')).toBe(storedVariants);
    expect(chooseVariants('shipped')).toBeUndefined();
  });

  it.each([
    ['empty', '', /expected a table of variants as JSON, found something else/],
    ['no JSON', 'variants', /expected a table of variants as JSON/],
    ['deeply nested', '['.repeat(500_000), /expected a table of variants as JSON/],
    ['deeply nested, and closed', `{"version":${'['.repeat(5000)}${']'.repeat(5000)}}`, /expected a table of variants as JSON/],
    ['nested a little', '{"version": [[[[[[[[1]]]]]]]]}', /expected version 1, found \[\[/],
    ['a list', '[]', /expected a table of variants \(a JSON object\), found \[\]/],
    ['of another version', JSON.stringify({ ...TABLE, version: 2 }), /expected version 1, found 2/],
    [
      'of another adapter',
      JSON.stringify({ ...TABLE, adapter: 'x'.repeat(1000) }),
      /expected a table of adapter "An adapter \(1\.0\)", found "xxx/,
    ],
    ['too large', ' '.repeat(1024 * 1024 + 1), /expected at most 1048576 bytes, found 1048577/],
  ])('that is %s is left out with one warning that names it', (_, text, problem) => {
    writeFileSync(file, text);
    expectShipped(problem);
    expect(stored().warnings[0]).toContain(file);
    expect(stored().warnings[0]?.length).toBeLessThan(500);
    // Whoever names the file is told.
    expect(() => readVariants(file, ADAPTER)).toThrow(OptionError);
  });

  onUnix('that is a FIFO or a folder is left out, and not waited for', () => {
    execFileSync('mkfifo', [file]);
    expectShipped(/variants-an-adapter-1-0\.json: the table of variants cannot be read: it is not a regular file/);
    rmSync(file);
    mkdirSync(file);
    expectShipped(/variants-an-adapter-1-0\.json: the table of variants cannot be read: it is not a regular file/);
  });

  onUnix('that cannot be reached is left out: no folder, or no permission', async () => {
    writeFileSync(join(cache, 'file'), '');
    for (const folder of [join(cache, 'file'), '/dev/null']) {
      vi.stubEnv('XDG_CACHE_HOME', folder);
      expectShipped(new RegExp(`${folder}/warmstep/variants-an-adapter-1-0\\.json: .* a part of its path is a file`));
    }
    vi.stubEnv('XDG_CACHE_HOME', undefined);
    vi.stubEnv('HOME', '/dev/null');
    expectShipped(/\/dev\/null\/.*variants-an-adapter-1-0\.json: .* a part of its path is a file/);
    vi.stubEnv('XDG_CACHE_HOME', cache);
    chmodSync(cache, 0o000);
    await asStranger(async () => expectShipped(/variants-an-adapter-1-0\.json: .* permission is denied/));
    chmodSync(cache, 0o755);
  });

  onUnix('is left out for a user without a home', async () => {
    vi.stubEnv('XDG_CACHE_HOME', '');
    vi.stubEnv('HOME', 'relative');
    expectShipped(/this user has no home folder/);
    if (process.geteuid?.() !== 0) return;
    // A user whom the system does not know, as in containers: Node throws there.
    vi.stubEnv('HOME', undefined);
    await asStranger(async () => expectShipped(/variants-\*\.json: this user has no home folder/));
  });

  it('is not written where that cannot be, with a word and without remains', async () => {
    writeFileSync(join(cache, 'file'), '');
    const written = writeVariants(join(cache, 'file', 'table.json'), TABLE);
    await expect(written).rejects.toThrow(OutputError);
    await expect(written).rejects.toThrow(/file cannot be written: a file of that name is in the way\. Give another place\./);
    mkdirSync(file, { recursive: true });
    await expect(writeVariants(file, TABLE)).rejects.toThrow('it is a folder');
    expect(readdirSync(dirname(file))).toHaveLength(1);
  });
});
