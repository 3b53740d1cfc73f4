import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, expect, it, vi } from 'vitest';
import { Interrupted } from '../../src/terminal/interrupt.js';
import { UsageError } from '../../src/terminal/options.js';
import { runScript } from '../../tools/script.js';
import { repositoryPath } from '../support/captured.js';

afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = 0;
});

async function run(args: string[], main: () => Promise<number>): Promise<readonly [code: unknown, text: string]> {
  let text = '';
  for (const stream of ['stdout', 'stderr'] as const) {
    vi.spyOn(process[stream], 'write').mockImplementation((piece) => {
      text += String(piece);
      return true;
    });
  }
  const { argv } = process;
  process.exitCode = 0;
  process.argv = ['node', 'script', ...args];
  await runScript('node script', 'usage: node script', main).finally(() => (process.argv = argv));
  return [process.exitCode, text];
}

it('a script ends as warmstep does', async () => {
  expect(await run(['--help'], () => Promise.reject(new Error('ran')))).toEqual([0, 'usage: node script\n']);
  expect(await run([], async () => 3)).toEqual([3, '']);
  const wrong = await run([], () => Promise.reject(new UsageError('--size must be small')));
  expect(wrong).toEqual([2, '--size must be small\n`node script --help` explains the options.\n']);
  expect(await run([], () => Promise.reject(new Error('broken')))).toEqual([1, expect.stringMatching(/^Error: broken\n +at /)]);
  expect((await run([], () => Promise.reject(new Interrupted())))[0]).toBe(130);
});

it('every script of the repository reads its command line so', () => {
  const scripts = ['bench', 'examples/page', 'tools']
    .flatMap((folder) => readdirSync(repositoryPath(folder), { recursive: true, encoding: 'utf8' }).map((file) => `${folder}/${file}`))
    .filter((file) => file.endsWith('.ts') && !file.includes('node_modules'));
  const texts = scripts.map((file) => readFileSync(repositoryPath(file), 'utf8'));
  expect(scripts.filter((_, i) => texts[i]?.includes('parseArgs'))).toEqual([]);
  // Numbers and lists are read by the options of the terminal, which say what is wrong in the same words.
  expect(scripts.filter((_, i) => /must be (?:a number|a whole number|one of)/.test(texts[i] ?? ''))).toEqual([]);
  expect(scripts.filter((_, i) => texts[i]?.includes('await runScript(')).length).toBeGreaterThanOrEqual(9);
});
