import { describe, expect, it } from 'vitest';
import { expectSteady } from '../support/steady-memory.js';

/** What is held where so many MB come in each part. */
function held(of: 'heap' | 'rss', megabytes: readonly number[]): { heap: number; rss: number }[] {
  const sums = megabytes.map((_, part) => megabytes.slice(0, part + 1).reduce((sum, mb) => sum + mb, 0));
  return [0, ...sums].map((mb) => ({ heap: 1e8, rss: 3e8, [of]: 3e8 + mb * 1e6 }));
}

describe('memory', () => {
  it.each([
    ['heap', [4, 4, -1, 4, 4]],
    ['heap', [0, 0, 12, 0, 0]],
    ['rss', [2, 3, 2, 2, 4]],
    ['rss', [0, 0, 50, 0, 0]],
    ['rss', [15, -1, 15, 12, 0]],
  ] as const)('that leaks is found: %s, %s MB', (of, parts) => {
    expect(() => expectSteady(held(of, parts), 'process')).toThrow(of);
  });

  it.each([
    ['heap', [3, 0.5, -1, 0.2, 0.3]],
    ['rss', [12, 0, 0.5, 9, -2]],
  ] as const)('is steady where a part alone takes some: %s, %s MB', (of, parts) => {
    expectSteady(held(of, parts), 'process');
  });

  it('of the process is not looked at where JavaScript alone is', () => {
    expectSteady(held('rss', [50, 50, 50, 50, 50]), 'script');
  });
});
