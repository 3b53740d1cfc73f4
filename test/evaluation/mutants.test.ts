import { describe, expect, it } from 'vitest';
import { readMutantJournals, readMutantRecordings } from '../support/mutant-readers.js';

/** A sample; `mutants.long.test.ts` has the rest. */
describe.each([
  ['journals', readMutantJournals],
  ['recordings', readMutantRecordings],
])('mutants of %s', (_, read) => {
  it('are read or refused', async () => {
    const { right, refused, slowestMs } = await read(400, 1);
    expect(right).toBeGreaterThan(20);
    expect(refused).toBeGreaterThan(20);
    expect(slowestMs).toBeLessThan(1000);
  });
});
