import { dirname, join } from 'node:path';

/** A package that a module imports from, without the path in it. */
const PACKAGE = /(?:\bfrom\s+|\bimport\s*\(?\s*)(['"])((?:@[\w.-]+\/)?\w[\w.-]*)(?:\/[^'"\n]*)?\1/g;

/** A relative place that a module imports from, in all the ways that there are: `from '…'`, `import('…')`, `import '…'`. */
const RELATIVE = /(\bfrom\s+|\bimport\s*\(?\s*)(['"])(\.{1,2}\/[^'"\n]+)\.js\2/g;

/**
 * The sources that the entries reach, by path, with imports of `.ts` in place of `.js`.
 * @throws what `read` throws where an import leads nowhere.
 */
export function jsrFiles(entries: readonly string[], read: (path: string) => string): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  const open = [...entries];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (files.has(path)) continue;
    const from = dirname(path);
    const text = read(path).replace(RELATIVE, (_, before: string, quote: string, place: string) => {
      open.push(join(from, `${place}.ts`));
      return `${before}${quote}${place}.ts${quote}`;
    });
    files.set(path, text);
  }
  return files;
}

/** The packages that the sources name, whether they import them or say in a comment how to; no modules of Node. */
export function packagesOf(texts: Iterable<string>): ReadonlySet<string> {
  const names = new Set<string>();
  for (const text of texts) for (const [, , name] of text.matchAll(PACKAGE)) if (name !== undefined) names.add(name);
  return names;
}
