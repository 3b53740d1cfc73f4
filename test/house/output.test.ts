import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path/posix';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FILES = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => ({ path: join('src', file), code: readFileSync(join(ROOT, 'src', file), 'utf8').replaceAll(/\/\*[\s\S]*?\*\//g, '') }));

const filesWith = (pattern: RegExp): string[] =>
  FILES.filter(({ code }) => pattern.test(code))
    .map(({ path }) => path)
    .sort();

describe('what leaves the process', () => {
  it('is printed in one room, which shows text of others as text', () => {
    expect(filesWith(/process\.std(out|err)\.write|console\.\w+\(/)).toEqual(['src/terminal/output.ts', 'src/terminal/progress.ts']);
  });

  it('is written to files in one place, which writes them whole; the lock, the pseudo-terminal, the cache of the Hub and the unpacked driver have their own ways', () => {
    const imported =
      /import \{[^}]*\b(?:writeFile|appendFile|truncate|rename|copyFile|createWriteStream|open)(?:Sync)?\b[^}]*\} from 'node:fs/;
    expect(filesWith(imported)).toEqual([
      'src/cli/folder-lock.ts',
      // Holds a pseudo-terminal open.
      'src/cli/simulate/pseudo-terminal.ts',
      // Reads alone.
      'src/platform/node/folder-source.ts',
      // In the layout of a cache that others write to as well.
      'src/platform/node/hub/cache.ts',
      'src/platform/node/hub/download.ts',
      'src/platform/node/output-file.ts',
      'src/platform/node/swiftshader.ts',
    ]);
  });
});
