import { defineConfig, type TestProjectConfiguration } from 'vitest/config';
import { PROJECTS, type Project, testFilesByProject } from './test/support/projects.js';

/** Where CI wants a machine-readable report beside the printed one. */
const jsonReport = process.env['VITEST_JSON_REPORT'];

const files = testFilesByProject();

/**
 * How the files of each project run; which project a file belongs to says test/support/projects.ts. Projects run one after
 * the other: a software driver uses all cores by itself, and two of them at once take many times as long.
 */
const RUNS = {
  pure: { isolate: false, maxWorkers: 2 },
  device: { isolate: false, maxWorkers: 2 },
  process: { isolate: true, maxWorkers: 2, execArgv: ['--expose-gc'] },
  long: { isolate: true, maxWorkers: 1, execArgv: ['--expose-gc'] },
  nightly: { isolate: true, maxWorkers: 1, execArgv: ['--expose-gc'] },
} satisfies Record<Project, object>;

const project = (name: Project, index: number): TestProjectConfiguration => ({
  extends: true,
  test: { name, include: files[name], sequence: { groupOrder: index + 1 }, ...RUNS[name] },
});

export default defineConfig({
  test: {
    projects: PROJECTS.map(project),
    pool: 'forks',
    setupFiles: ['test/support/typed-array-equality.ts'],
    testTimeout: 180_000,
    hookTimeout: 180_000,
    // The suite always runs on a software adapter (`npm run test:lavapipe` names another one), and never with what its user tuned.
    env: { WARMSTEP_ADAPTER: process.env['WARMSTEP_ADAPTER'] ?? 'swiftshader', WARMSTEP_VARIANTS: 'shipped' },
    reporters: jsonReport ? ['default', ['json', { outputFile: jsonReport }]] : ['default'],
  },
});
