import { defineConfig } from 'vitest/config';

/** Where CI wants a machine-readable report beside the printed one. */
const jsonReport = process.env['VITEST_JSON_REPORT'];

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Every file has a process of its own: a Vulkan driver is chosen once per process.
    pool: 'forks',
    execArgv: ['--expose-gc'],
    // A software driver uses all cores by itself; two of them at once take many times as long.
    maxWorkers: 1,
    testTimeout: 180_000,
    hookTimeout: 180_000,
    // The suite always runs on a software adapter (`npm run test:lavapipe` names another one), and never with what its user tuned.
    env: { WARMSTEP_ADAPTER: process.env['WARMSTEP_ADAPTER'] ?? 'swiftshader', WARMSTEP_VARIANTS: 'shipped' },
    reporters: jsonReport ? ['default', ['json', { outputFile: jsonReport }]] : ['default'],
  },
});
