import { describe, expect, it } from 'vitest';
import { foreignSeeds } from '../../src/cli/eval/kernel-subject.js';

describe('seeds that were not demonstrated', () => {
  it.each([
    ['in a row', [5, 6], 'for what it can do, --seed 5 --episodes 2'],
    ['but for one that the expert failed', [0, 1, 3, 4, 5], 'for what it can do, --seed 3 --episodes 3'],
    ['in rows of one length', [9, 8, 1, 0, 20], 'for what it can do, --seed 0 --episodes 2'],
    ['one by one', [7, 3], 'for what it can do, --seed 3 --episodes 1'],
    // More than a call has arguments, and than an evaluation has episodes.
    ['of a large file', Array.from({ length: 300_000 }, (_, i) => i), 'for what it can do, --seed 0 --episodes 10000'],
  ])('are told with some that were, all of them: %s', (_, demonstrated, advice) => {
    const seeds = new Set(demonstrated);
    const note = foreignSeeds(seeds, 1_000_000, 3) ?? '';
    expect(note).toContain('3 of 3 seeds were not demonstrated');
    expect(note.endsWith(advice)).toBe(true);
    // Whoever follows it hears nothing more.
    const [, seed, episodes] = /--seed (\d+) --episodes (\d+)/.exec(note) ?? [];
    expect(foreignSeeds(seeds, Number(seed), Number(episodes))).toBe(undefined);
  });

  it('are not told of a file that says none', () => {
    expect(foreignSeeds(new Set(), 1, 3)).toBe(undefined);
  });
});
