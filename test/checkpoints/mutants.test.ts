import { describe, expect, it } from 'vitest';
import { runMutants, SUBJECTS } from '../support/mutant-runs.js';

/** A sample of what mutants.long.test.ts does. */
describe('mutants of', () => {
  it.each(Object.keys(SUBJECTS) as (keyof typeof SUBJECTS)[])('%s give an error of ours or a right result', async (name) => {
    const { valid, refused } = await runMutants(name, 0, 300);
    expect(valid).toBeGreaterThan(10);
    expect(refused).toBeGreaterThan(100);
  });
});
