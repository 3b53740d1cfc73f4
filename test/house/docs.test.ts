import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path/posix';
import { describe, expect, it } from 'vitest';

const ROOT = new URL('../..', import.meta.url).pathname;
const DOCS = ['.', 'docs', 'docs/decisions', 'docs/reference'].flatMap((folder) =>
  readdirSync(join(ROOT, folder))
    .filter((file) => file.endsWith('.md'))
    .map((file) => join(folder, file)),
);

/** Files and folders that a text names: `src/…` between backticks, from the root. NAME stands for one that is to be written. */
function pathsOf(text: string): string[] {
  return [...text.matchAll(/`((?:src|kernels|test|bench|docs|examples|checkpoints|\.github)\/[\w./-]+|(?:package\.json|biome\.jsonc))`/g)]
    .map((match) => match[1] as string)
    .filter((path) => !/[A-Z]{4}|…/.test(path.replace('README', '')));
}

function linksOf(text: string): string[] {
  return [...text.matchAll(/\]\(([^)#]+)[^)]*\)/g)].map((match) => match[1] as string).filter((link) => !link.includes(':'));
}

describe('the documents', () => {
  it('are found, and so are the paths in them', () => {
    expect(DOCS).toEqual(expect.arrayContaining(['README.md', 'CONTRIBUTING.md', 'docs/architecture.md', 'docs/extending.md']));
    expect(pathsOf('`src/a.ts`, `kernels/x/NAME.wgsl.ts`, `package.json`, `policy.act`')).toEqual(['src/a.ts', 'package.json']);
  });

  // docs/performance.md tells of what was measured at its time, by the names of that time.
  it.each(DOCS.filter((file) => file !== 'docs/performance.md'))('%s names files that are there', (file) => {
    const text = readFileSync(join(ROOT, file), 'utf8');
    expect(pathsOf(text).filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it.each(DOCS)('%s links to files that are there', (file) => {
    const text = readFileSync(join(ROOT, file), 'utf8');
    expect(linksOf(text).filter((link) => !existsSync(join(ROOT, dirname(file), link)))).toEqual([]);
  });

  it('of extending lists no addition that touches more than twelve files, and counts them', () => {
    const sections = readFileSync(join(ROOT, 'docs/extending.md'), 'utf8').split(/^### /m).slice(1);
    expect(sections.length).toBe(5);
    for (const section of sections) {
      const rows = [...section.matchAll(/^\| `[^`]+` \|/gm)].length;
      expect(section).toMatch(new RegExp(`^[^\\n]* \\(${rows}\\)\\n`));
      expect(rows).toBeLessThanOrEqual(12);
    }
  });
});
