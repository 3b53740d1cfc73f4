import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path/posix';

export interface Import {
  readonly specifier: string;
  readonly typesOnly: boolean;
}

/** What a module imports and re-exports, as its text says. */
export function importsOf(code: string): Import[] {
  const found = [...code.matchAll(/^(?:import|export)\s(type\s)?[^;']*?\bfrom '([^']+)'/gm)].map((match) => ({
    specifier: match[2] as string,
    typesOnly: match[1] !== undefined,
  }));
  const dynamic = [...code.matchAll(/\bimport\s*\(?\s*'([^']+)'/g)].map((match) => ({ specifier: match[1] as string, typesOnly: false }));
  return [...found, ...dynamic];
}

/** Which modules a module loads when it runs, itself included: what is imported for types alone is not. Absolute paths. */
export class ModuleGraph {
  readonly #targets = new Map<string, readonly string[]>();

  reached(file: string): ReadonlySet<string> {
    const found = new Set<string>();
    const waiting = [file];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      if (found.has(next)) continue;
      found.add(next);
      waiting.push(...this.targets(next));
    }
    return found;
  }

  /** What the module imports itself. */
  targets(file: string): readonly string[] {
    let targets = this.#targets.get(file);
    if (!targets) {
      targets = importsOf(readFileSync(file, 'utf8'))
        .filter(({ specifier, typesOnly }) => !typesOnly && specifier.startsWith('.'))
        .map(({ specifier }) => join(dirname(file), specifier).replace(/\.js$/, '.ts'))
        // Texts in the strings of a test, and modules that are not TypeScript.
        .filter((target) => target.endsWith('.ts') && existsSync(target));
      this.#targets.set(file, targets);
    }
    return targets;
  }
}
