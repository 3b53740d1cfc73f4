import { readdirSync } from 'node:fs';
import { join } from 'node:path/posix';
import { fileURLToPath } from 'node:url';
import { ModuleGraph } from './module-graph.js';

/**
 * The kinds of test files, each run in its own way (vitest.config.ts).
 * - `pure` opens no device: nothing that the file imports could.
 * - `device` shares a process and its devices with others of its kind, so that few kernels are compiled twice.
 * - `process` has a process of its own, by its name `*.process.test.ts`: it chooses a driver, loses or counts something that
 *   others share, measures memory, or starts other processes.
 * - `timed` has the machine to itself, by its name `*.timed.test.ts`: it holds something to the clock.
 * - `long` is left to `npm run test:long`, by its name `*.long.test.ts`; a process of its own as well.
 * - `nightly` takes minutes a file on two cores, and is left to `npm run test:nightly`, by its name `*.nightly.test.ts`.
 */
export const PROJECTS = ['pure', 'device', 'process', 'timed', 'long', 'nightly'] as const;
export type Project = (typeof PROJECTS)[number];

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The one module that starts Dawn: who cannot reach it has no device. */
export const DAWN = join(ROOT, 'src/platform/node/gpu.ts');

/** All test files by project, with paths from the root of the repository. */
export function testFilesByProject(): Record<Project, string[]> {
  const graph = new ModuleGraph();
  const files: Record<Project, string[]> = { pure: [], device: [], process: [], timed: [], long: [], nightly: [] };
  for (const name of readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' }).sort()) {
    if (name.endsWith('.test.ts')) files[projectOf(join('test', name), graph)].push(join('test', name));
  }
  return files;
}

function projectOf(path: string, graph: ModuleGraph): Project {
  const byName = /\.(process|timed|long|nightly)\.test\.ts$/.exec(path)?.[1];
  if (byName !== undefined) return byName as Project;
  return graph.reached(join(ROOT, path)).has(DAWN) ? 'device' : 'pure';
}
