import { defineConfig, type TestProjectConfiguration } from 'vitest/config';
import { PROJECTS, type Project, testFilesByProject } from './test/support/projects.js';

/** Where CI wants a machine-readable report beside the printed one. */
const jsonReport = process.env['VITEST_JSON_REPORT'];

const files = testFilesByProject();

/**
 * Files that run at once. A software driver compiles on one core, and waits leave theirs alone (`isPolled`, test/support/device.ts); each
 * further process of the project `device` compiles again what others have compiled.
 */
const maxWorkers = 2;

/**
 * How the files of each project run; which project a file belongs to says test/support/projects.ts. Projects run one after
 * the other.
 */
const RUNS = {
  pure: { isolate: false, maxWorkers },
  device: { isolate: false, maxWorkers },
  process: { isolate: true, maxWorkers, execArgv: ['--expose-gc'] },
  timed: { isolate: true, maxWorkers: 1 },
  // Here are benchmarks and tuners, which poll; those that run on lavapipe are goldens, mutants and training.
  long: { isolate: true, maxWorkers: process.env['WARMSTEP_ADAPTER'] === 'lavapipe' ? maxWorkers : 1, execArgv: ['--expose-gc'] },
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
