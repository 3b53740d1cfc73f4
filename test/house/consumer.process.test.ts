import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileConsumer, compilerIn, installDeclarations, layOutConsumer, settings } from '../support/consumer.js';

describe('a program that uses the package', () => {
  const folder = mkdtempSync(join(tmpdir(), 'warmstep-consumer-'));
  beforeAll(() => {
    layOutConsumer(folder);
    installDeclarations(folder);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  // Each resolution once. All of them with all surroundings, an older compiler, and a package that was really packed:
  // consumer.long.test.ts.
  const each = ['node16, knowing nothing', 'nodenext, knowing Node', 'bundler, knowing dom and WebGPU'];
  it.each(settings().filter(({ name }) => each.includes(name)))('compiles with every library checked: $name', async (setting) => {
    expect(await compileConsumer(compilerIn('.') as string, folder, setting)).toBe('');
  });
});
