import { readdirSync } from 'node:fs';
import { join } from 'node:path/posix';
import { fileURLToPath } from 'node:url';
import { ModuleGraph } from './module-graph.js';

/**
 * The kinds of test files, each run in its own way (vitest.config.ts).
 * - `pure` opens no device: nothing that the file imports could.
 * - `device` shares one process and its devices with all others of its kind, so that a kernel is compiled once for all.
 * - `process` has a process of its own, by its name `*.process.test.ts`: it chooses a driver, loses or counts something that
 *   others share, measures memory, or starts other processes.
 * - `long` is left to `npm run test:long`, by its name `*.long.test.ts`; a process of its own as well.
 * - `nightly` takes minutes a file on two cores, and is left to `npm run test:nightly`, by its name `*.nightly.test.ts`.
 */
export const PROJECTS = ['pure', 'device', 'process', 'long', 'nightly'] as const;
export type Project = (typeof PROJECTS)[number];

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The one module that starts Dawn: who cannot reach it has no device. */
export const DAWN = join(ROOT, 'src/platform/node/gpu.ts');

/** All test files by project, with paths from the root of the repository. */
export function testFilesByProject(): Record<Project, string[]> {
  const graph = new ModuleGraph();
  const files: Record<Project, string[]> = { pure: [], device: [], process: [], long: [], nightly: [] };
  for (const name of readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' }).sort()) {
    if (name.endsWith('.test.ts')) files[projectOf(join('test', name), graph)].push(join('test', name));
  }
  return files;
}

function projectOf(path: string, graph: ModuleGraph): Project {
  const byName = /\.(process|long|nightly)\.test\.ts$/.exec(path)?.[1];
  if (byName !== undefined) return byName as Project;
  return graph.reached(join(ROOT, path)).has(DAWN) ? 'device' : 'pure';
}
