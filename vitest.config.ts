import { defineConfig } from 'vitest/config';

// Device tests share two cores with a software driver: one worker at a time keeps them from starving each other.
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // The suite always runs on a software adapter; `npm run test:lavapipe` names another one.
    env: { WARMSTEP_ADAPTER: process.env['WARMSTEP_ADAPTER'] ?? 'swiftshader' },
  },
});
