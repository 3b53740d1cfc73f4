import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path/posix';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Of files that the package's documents show, and that are not in the package. */
const MAIN = 'https://github.com/warmstep/warmstep/raw/main/';
const PACKAGE = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  readonly version: string;
  readonly files: readonly string[];
};
const DOCS = ['.', 'docs', 'docs/decisions', 'docs/evaluation', 'docs/performance', 'docs/reference'].flatMap((folder) =>
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

/** As GitHub names the headings of a document. */
function anchorsOf(text: string): Set<string> {
  return new Set(
    [...text.matchAll(/^#{1,6} (.*)$/gm)].map((match) =>
      (match[1] as string)
        .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
        .toLowerCase()
        .replace(/[^\p{L}\p{N}_ -]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

/** Links to a heading: the document, from the root, and the heading's name. */
function headingsLinked(text: string, file: string): [document: string, anchor: string][] {
  return [...text.matchAll(/\]\(([^):#]*)#([^)]+)\)/g)].map((match) => [
    match[1] ? join(dirname(file), match[1]) : file,
    match[2] as string,
  ]);
}

/** Links that stay in the repository: relative ones, and addresses of files on its main branch, which are from the root. */
function linksOf(text: string, folder: string): string[] {
  return [...text.matchAll(/\]\(([^)#]+)[^)]*\)/g)]
    .map((match) => match[1] as string)
    .flatMap((link) => (link.startsWith(MAIN) ? [link.slice(MAIN.length)] : link.includes(':') ? [] : [join(folder, link)]));
}

/** Pictures that a document shows from beside it. */
function embedded(file: string): string[] {
  return [...readFileSync(join(ROOT, file), 'utf8').matchAll(/!\[[^\]]*\]\(([^):]+)\)/g)].map((match) =>
    join(dirname(file), match[1] as string),
  );
}

/** Of the list of files in package.json, what is left out of the folders that it names. */
function leftOut(path: string): boolean {
  return PACKAGE.files.some((one) => {
    if (!one.startsWith('!')) return false;
    const pattern = one.slice(1).replaceAll('.', '\\.').replaceAll('*', '[^/]*');
    return new RegExp(`^${pattern}(/|$)`).test(path);
  });
}

describe('the documents', () => {
  it('are found, and so are the paths, headings and links in them', () => {
    expect(DOCS).toEqual(expect.arrayContaining(['README.md', 'CONTRIBUTING.md', 'docs/architecture.md', 'docs/extending.md']));
    expect(anchorsOf('# A `b`, c\n## [What](x.md) it-is: 2 × 3\n')).toEqual(new Set(['a-b-c', 'what-it-is-2--3']));
    expect(headingsLinked('[a](#b) [c](../d.md#e) [f](https://g.h#i)', 'docs/x/y.md')).toEqual([
      ['docs/x/y.md', 'b'],
      ['docs/d.md', 'e'],
    ]);
    expect(pathsOf('`src/a.ts`, `kernels/x/NAME.wgsl.ts`, `package.json`, `policy.act`')).toEqual(['src/a.ts', 'package.json']);
  });

  // What was measured is told by the names of its time.
  it.each(DOCS.filter((file) => !file.startsWith('docs/performance')))('%s names files that are there', (file) => {
    const text = readFileSync(join(ROOT, file), 'utf8');
    expect(pathsOf(text).filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it.each(DOCS)('%s links to files that are there', (file) => {
    const text = readFileSync(join(ROOT, file), 'utf8');
    expect(linksOf(text, dirname(file)).filter((link) => !existsSync(join(ROOT, link)))).toEqual([]);
  });

  it.each(DOCS)('%s links to headings that are there', (file) => {
    const links = headingsLinked(readFileSync(join(ROOT, file), 'utf8'), file).filter(([document]) => document.endsWith('.md'));
    const missing = links.filter(([document, anchor]) => !anchorsOf(readFileSync(join(ROOT, document), 'utf8')).has(anchor));
    expect(missing).toEqual([]);
  });

  it('of the package embed pictures that are in it', () => {
    expect(leftOut('docs/images/page-wide.png')).toBe(true);
    expect(leftOut('docs/reference/package.json')).toBe(true);
    const pictures = DOCS.filter((file) => file === 'README.md' || (file.startsWith('docs/') && !leftOut(file))).flatMap(embedded);
    expect(pictures).toContain('docs/images/recording.svg');
    expect(pictures.filter(leftOut)).toEqual([]);
  });

  it('that install the package say where it is, as the README does', () => {
    const where = (file: string) =>
      /not on the registry yet: [^\n]*the file that comes out/.exec(readFileSync(join(ROOT, file), 'utf8'))?.[0];
    const installing = DOCS.filter((file) => readFileSync(join(ROOT, file), 'utf8').includes('\nnpm install warmstep'));
    expect(installing).toEqual(['README.md', 'docs/lerobot-server.md', 'docs/openpi-server.md']);
    expect(installing.map(where)).toEqual(installing.map(() => where('README.md')));
  });

  it('name the bundled policy by a path that is right where the package is installed, or say that they are in a checkout', () => {
    const wrong = DOCS.flatMap((file) => {
      const text = readFileSync(join(ROOT, file), 'utf8');
      return [...text.matchAll(/```\w*\n([\s\S]*?)```/g)].flatMap(({ 1: block, index }) => {
        const before = text.slice(Math.max(0, index - 400), index);
        return /(?<!node_modules\/warmstep\/)checkpoints\/pusht-state/.test(block as string) && !/in a checkout after/.test(before)
          ? [`${file}: ${block}`]
          : [];
      });
    });
    expect(wrong).toEqual([]);
  });

  it('build a container from the file that npm pack writes', () => {
    const [, pattern, copy] = /^COPY (\S+\.tgz) (\S+)$/m.exec(readFileSync(join(ROOT, 'docs/openpi-server.md'), 'utf8')) ?? [];
    expect(`warmstep-${PACKAGE.version}.tgz`).toMatch(new RegExp(`^${pattern?.replaceAll('.', '\\.').replaceAll('*', '[^/]*')}$`));
    expect(readFileSync(join(ROOT, 'docs/openpi-server.md'), 'utf8')).toContain(`npm install --omit=dev ./${copy} ws`);
  });

  it('of extending lists no addition that touches more than twelve files, and counts them', () => {
    const sections = readFileSync(join(ROOT, 'docs/extending.md'), 'utf8').split(/^### /m).slice(1);
    expect(sections.length).toBe(4);
    for (const section of sections) {
      const rows = [...section.matchAll(/^\| `[^`]+` \|/gm)].length;
      expect(section).toMatch(new RegExp(`^[^\\n]* \\(${rows}\\)\\n`));
      expect(rows).toBeLessThanOrEqual(12);
    }
  });
});
