import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { OptionError } from '../../src/foundation/errors.js';
import { openDevice } from '../../src/platform/node/device.js';
import { variantFile } from '../../src/platform/node/variants.js';
import type { AdapterSummary } from '../../src/runtime/device.js';
import { warmstep, warmstepJson } from '../support/captured.js';

interface Tuned {
  readonly stored: string | null;
  readonly adapter: AdapterSummary;
  readonly shapes: readonly {
    readonly key: string;
    readonly shippedMs: number;
    readonly candidates: readonly { readonly dropped?: string }[];
  }[];
  readonly table: { readonly convolutions: Readonly<Record<string, unknown>> };
}

describe('warmstep tune', () => {
  const cache = mkdtempSync(join(tmpdir(), 'warmstep-cache-'));
  beforeAll(() => {
    vi.stubEnv('XDG_CACHE_HOME', cache);
  });
  afterAll(() => {
    vi.unstubAllEnvs();
    rmSync(cache, { recursive: true });
  });

  it('measures every convolution and stores a table, which openDevice finds again', async () => {
    const tuned = await warmstepJson<Tuned>('tune', '--size', 'tiny', '--precision', 'f32', '--seconds', '0.001');
    expect(tuned.shapes.length).toBeGreaterThan(15);
    for (const { shippedMs, candidates } of tuned.shapes) {
      expect(shippedMs).toBeGreaterThan(0);
      // Every candidate is right on the adapters that the suite runs on.
      expect(candidates.flatMap(({ dropped }) => dropped ?? [])).toEqual([]);
    }
    const file = variantFile(tuned.adapter);
    expect(tuned.stored).toBe(file);
    expect(file.startsWith(cache)).toBe(true);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(tuned.table);

    const device = await openDevice({ variants: 'tuned' });
    expect(device.adapter.variants).toBe(`tuned ${file}`);
    expect(device.variants?.convolutions).toEqual(tuned.table.convolutions);
    device.dispose();
    const shipped = await openDevice();
    expect([shipped.adapter.variants, shipped.variants]).toEqual(['shipped', undefined]);
    shipped.dispose();

    vi.stubEnv('WARMSTEP_VARIANTS', 'tuned');
    expect((await warmstep('doctor')).stdout).toMatch(/^variants +tuned .*variants-.*\.json$/m);
    writeFileSync(file, JSON.stringify({ ...tuned.table, adapter: 'another one' }));
    // What nobody named keeps no device from opening; what is named is checked.
    const other = await openDevice();
    expect([other.adapter.variants, other.warnings]).toEqual([
      'shipped',
      [expect.stringContaining(`${file}: expected a table of adapter`)],
    ]);
    other.dispose();
    await expect(openDevice({ variants: { version: 1, adapter: 'another one', convolutions: {} } })).rejects.toThrow(OptionError);
    writeFileSync(file, '{');
    expect((await warmstep('doctor')).stdout).toMatch(
      /^advice: the shipped variants .*variants-.*\.json: expected a table of variants as JSON/m,
    );
    expect(await warmstep('tune', '--size', 'tiny', '--precision', 'f32', '--seconds', '0.001')).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('expected a table of variants as JSON'),
    });
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ version: 1 });
    vi.stubEnv('WARMSTEP_VARIANTS', 'perhaps');
    await expect(openDevice()).rejects.toThrow(/WARMSTEP_VARIANTS.*tuned, shipped, found perhaps/);
  });

  it('measures the convolutions of an image encoder, and keeps what is known of a decision', async () => {
    vi.stubEnv('WARMSTEP_VARIANTS', 'shipped');
    const output = join(cache, 'both.json');
    const { adapter } = await warmstepJson<Tuned>('doctor');
    const known = { version: 1, adapter: adapter.description, convolutions: { 'conv1d 8x8 k5 s1 16->16 f32': { lanes: 8, slices: 1 } } };
    writeFileSync(output, JSON.stringify(known));
    const options = ['--picture', '24x24', '--norm', 'group', '--precision', 'f16', '--seconds', '0.001', '--output', output];
    const tuned = await warmstepJson<Tuned>('tune', ...options);
    expect(tuned.shapes.map(({ key }) => key)).toContain('conv2d 3x64 k7 s2 p3 24x24->12x12 f16');
    for (const { key, candidates } of tuned.shapes) {
      // Maps of up to eight pixels can be cut in one way alone.
      if (key.endsWith('->12x12 f16')) expect(candidates.length).toBeGreaterThan(1);
      expect(candidates.flatMap(({ dropped }) => dropped ?? [])).toEqual([]);
    }
    expect(JSON.parse(readFileSync(output, 'utf8'))).toMatchObject({ convolutions: known.convolutions });
  });

  it.each([
    [['--horizon', '20'], '--horizon must be a multiple of 8'],
    [['--seconds', 'long'], '--seconds must be a number above 0'],
    [['--precision', 'f32,f8'], '--precision must be one of f32, f16, int8'],
  ])('%j is a wrong command line, and stores nothing', async (args, message) => {
    const output = join(cache, 'never.json');
    const { code, stderr } = await warmstep('tune', ...args, '--output', output);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
    expect(existsSync(output)).toBe(false);
  });
});
