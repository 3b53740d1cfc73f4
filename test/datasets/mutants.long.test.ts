import { describe, expect, it } from 'vitest';
import { DATASETS, runDatasetMutants } from '../support/dataset-mutants.js';

const COUNT = 2000;

describe('mutants of', () => {
  it.each(Object.keys(DATASETS))(
    '%s give an error of ours or finite rows, all of them',
    async (name) => {
      const result = await runDatasetMutants(name, 1_000_000, COUNT);
      console.log(`${name}: ${JSON.stringify(result)}`);
      expect(result.read + result.refused).toBe(COUNT);
    },
    1_800_000,
  );
});
