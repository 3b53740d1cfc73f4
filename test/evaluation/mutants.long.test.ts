import { describe, expect, it } from 'vitest';
import { readMutantJournals, readMutantRecordings } from '../support/mutant-readers.js';

/** Of the 100,000 mutants of all files that are read. */
const MUTANTS = 25_000;

describe.each([
  ['journals', readMutantJournals],
  ['recordings', readMutantRecordings],
])('mutants of %s', (_, read) => {
  it('are read or refused, each within a second', async () => {
    const { right, refused, slowestMs } = await read(MUTANTS, 2);
    expect(right + refused).toBe(MUTANTS);
    expect(Math.min(right, refused)).toBeGreaterThan(MUTANTS / 20);
    expect(slowestMs).toBeLessThan(1000);
  });
});
