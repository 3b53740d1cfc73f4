import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileConsumer, compilerIn, installPacked, layOutConsumer, settings } from '../support/consumer.js';

/** `npm run consumer` installs it; its `dom` has no WebGPU yet. */
const OLDER = compilerIn('test/consumer');

describe('a program that uses the packed package', () => {
  const folder = mkdtempSync(join(tmpdir(), 'warmstep-consumer-'));
  beforeAll(() => {
    layOutConsumer(folder);
    installPacked(folder);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each(settings())("compiles with the project's TypeScript: $name", async (setting) => {
    expect(await compileConsumer(compilerIn('.') as string, folder, setting)).toBe('');
  });

  it.skipIf(OLDER === undefined).each(settings(['@webgpu/types']))('compiles with TypeScript 5.9: $name', async (setting) => {
    expect(await compileConsumer(OLDER as string, folder, setting)).toBe('');
  });
});
