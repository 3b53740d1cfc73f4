import { describe, expect, it } from 'vitest';
import { summarizeLatencies } from '../../src/cli/latency.js';
import { bytes, count, milliseconds, plural } from '../../src/terminal/format.js';
import { facts, table } from '../../src/terminal/table.js';

describe('tables', () => {
  it('align numbers to the right and words to the left', () => {
    expect(
      table(
        ['kind', 'time'],
        [
          ['warm', '9.5 ms'],
          ['c', '120 ms'],
        ],
      ),
    ).toBe(['kind    time', '────  ──────', 'warm  9.5 ms', 'c     120 ms'].join('\n'));
  });

  it('list facts', () => {
    expect(
      facts([
        ['node', 'v20'],
        ['adapter', 'x'],
      ]),
    ).toBe('node     v20\nadapter  x');
  });
});

describe('numbers', () => {
  it('have units', () => {
    expect(count(249_074_826)).toBe('249,074,826');
    expect([999, 1000, 996_299_304, 2_500_000_000].map(bytes)).toEqual(['999 B', '1.0 KB', '996.3 MB', '2.5 GB']);
    expect([0.1234, 1.234, 12.34, 1234].map(milliseconds)).toEqual(['0.123 ms', '1.23 ms', '12.3 ms', '1234 ms']);
    expect([plural(1, 'decision'), plural(24, 'decision')]).toEqual(['1 decision', '24 decisions']);
  });

  it('are summarised by nearest rank', () => {
    const values = Array.from({ length: 100 }, (_, i) => 100 - i);
    expect(summarizeLatencies(values)).toEqual({ count: 100, mean: 50.5, p50: 50, p95: 95, p99: 99, max: 100 });
    expect(summarizeLatencies([7, 1, 4])).toMatchObject({ p50: 4, p95: 7 });
    expect(summarizeLatencies([3])).toMatchObject({ p50: 3, p99: 3 });
    expect(summarizeLatencies([])).toBeUndefined();
  });
});
