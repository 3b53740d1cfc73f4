import { describe, expect, it } from 'vitest';
import { DATASETS, runDatasetMutants } from '../support/dataset-mutants.js';

/** A sample of what mutants.long.test.ts does. */
describe('mutants of', () => {
  it.each(Object.keys(DATASETS))('%s give an error of ours or finite rows', async (name) => {
    const { refused } = await runDatasetMutants(name, 0, 60);
    expect(refused).toBeGreaterThan(10);
  });
});
