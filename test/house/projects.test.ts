import { readdirSync } from 'node:fs';
import { join } from 'node:path/posix';
import { describe, expect, it } from 'vitest';
import { ModuleGraph } from '../support/module-graph.js';
import { DAWN, PROJECTS, ROOT, testFilesByProject } from '../support/projects.js';

const files = testFilesByProject();
const graph = new ModuleGraph();
const DEVICE = join(ROOT, 'src/runtime/device.ts');

function reaches(file: string, target: string): boolean {
  return graph.reached(join(ROOT, file)).has(target);
}

describe('every test file', () => {
  it('is in one project', () => {
    const all = readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' }).filter((name) =>
      /\.(test|spec)\.[cm]?[jt]sx?$/.test(name),
    );
    const found = PROJECTS.flatMap((project) => files[project]);
    expect(found.sort()).toEqual(all.map((name) => join('test', name)).sort());
    expect(new Set(found).size).toBe(found.length);
    for (const project of PROJECTS) expect(files[project].length, project).toBeGreaterThan(1);
  });

  it('that reaches Dawn is not pure, and pure files do not open a device themselves', () => {
    // The search sees through support files and dynamic imports.
    expect(reaches('test/kernels/start.test.ts', DAWN)).toBe(true);
    expect(reaches('test/cli/inspect.test.ts', DAWN)).toBe(true);
    expect(files.pure.filter((file) => reaches(file, DAWN))).toEqual([]);
    expect(files.pure.filter((file) => graph.targets(join(ROOT, file)).includes(DEVICE))).toEqual([]);
  });
});
