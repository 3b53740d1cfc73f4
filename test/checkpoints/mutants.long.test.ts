import { describe, expect, it } from 'vitest';
import { runMutants, SUBJECTS } from '../support/mutant-runs.js';

/** Mutants of each kind; half of them are valid folders with one change. About a minute in all. */
const COUNTS: Readonly<Record<keyof typeof SUBJECTS, number>> = {
  'a safetensors file': 30_000,
  'a file of statistics': 10_000,
  'a policy with processor files': 10_000,
  'a policy of 2024': 5_000,
  'a policy of early 2025': 5_000,
  'a predictor': 10_000,
};

describe('mutants of', () => {
  it.each(Object.keys(SUBJECTS) as (keyof typeof SUBJECTS)[])('%s give an error of ours or a right result, all of them', async (name) => {
    const result = await runMutants(name, 1_000_000, COUNTS[name]);
    console.log(`${name}: ${JSON.stringify(result)}`);
    expect(result.valid + result.refused).toBe(COUNTS[name]);
    expect(result.valid).toBeGreaterThan(COUNTS[name] / 50);
  });
});
