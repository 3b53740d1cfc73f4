import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Bootstrap, mean, pairedDifference, quantiles, sampleVariance, wilsonInterval } from '../../src/evaluation/statistics.js';
import type { ReferenceScores } from '../../src/evaluation/summary.js';
import { OptionError } from '../../src/foundation/errors.js';

/** Scores by another implementation, with percentile intervals by NumPy. */
const REFERENCE = JSON.parse(readFileSync(new URL('../../checkpoints/pusht-state/scores.json', import.meta.url), 'utf8')) as {
  readonly scores: Readonly<Record<string, ReferenceScores['scores'][string] & { readonly ci: readonly [number, number] }>>;
};

describe('mean and variance', () => {
  it('divide by n and by n − 1', () => {
    expect(mean([1, 2, 6])).toBe(3);
    expect(sampleVariance([1, 2, 6])).toBe(7);
  });

  it('refuse too few values', () => {
    expect(() => mean([])).toThrow(OptionError);
    expect(() => sampleVariance([1])).toThrow('at least two values, found 1');
  });
});

describe('quantiles', () => {
  it('are values that were measured, by nearest rank', () => {
    const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect(quantiles(hundred)).toEqual({ count: 100, p50: 50, p95: 95, p99: 99 });
    expect(quantiles([4, 1, 3, 2])).toEqual({ count: 4, p50: 2, p95: 4, p99: 4 });
    expect(quantiles([7])).toEqual({ count: 1, p50: 7, p95: 7, p99: 7 });
  });

  it('of nothing are undefined', () => {
    expect(quantiles([])).toBeUndefined();
  });
});

describe('bootstrap interval', () => {
  const bootstrap = new Bootstrap(50, 100_000);

  it.each(Object.entries(REFERENCE.scores))(
    'of %s is that of NumPy, as far as two draws of 10,000 agree',
    (_name, { per_episode: scores, ci: [low, high] }) => {
      const interval = bootstrap.interval(scores);
      expect(Math.abs(interval.low - low)).toBeLessThan(0.006);
      expect(Math.abs(interval.high - high)).toBeLessThan(0.006);
    },
  );

  it('is as wide as the normal approximation for many well-behaved values', () => {
    const values = Array.from({ length: 200 }, (_, index) => (index + 0.5) / 200);
    const spread = 1.96 * Math.sqrt(sampleVariance(values) / 200);
    const { low, high } = new Bootstrap(200, 1).interval(values);
    expect(low).toBeCloseTo(0.5 - spread, 2);
    expect(high).toBeCloseTo(0.5 + spread, 2);
  });

  it('depends on the values and the seed alone', () => {
    const values = Array.from({ length: 50 }, (_, index) => Math.sin(index) ** 2);
    expect(new Bootstrap(50, 100_000).interval(values)).toEqual(bootstrap.interval(values));
    expect(new Bootstrap(50, 100_001).interval(values)).not.toEqual(bootstrap.interval(values));
    // The upper word of a seed counts too.
    expect(new Bootstrap(50, 100_000 + 2 ** 32).interval(values)).not.toEqual(bootstrap.interval(values));
  });

  it('draws every episode, the last one too, when their number is no multiple of four', () => {
    const { low, high } = new Bootstrap(3, 5).interval([0, 0, 3]);
    expect([low, high]).toEqual([0, 3]);
  });

  it('is a point where all values are equal, and for one value', () => {
    expect(bootstrap.interval(new Array<number>(50).fill(0.25))).toEqual({ low: 0.25, high: 0.25 });
    expect(new Bootstrap(1, 0).interval([0.4])).toEqual({ low: 0.4, high: 0.4 });
  });

  it('refuses another number of values', () => {
    expect(() => bootstrap.interval([1, 2])).toThrow('over 50 values, found 2');
    expect(() => new Bootstrap(0, 1)).toThrow(OptionError);
  });
});

describe('paired difference', () => {
  it('counts pairs that are better, equal and worse', () => {
    const found = pairedDifference([1, 0.5, 0.2, 1], [0.5, 0.5, 0.4, 0.9], new Bootstrap(4, 0));
    expect(found).toMatchObject({ wins: 2, ties: 1, losses: 1 });
    expect(found.mean).toBeCloseTo(0.1, 12);
  });

  it('sees a small difference that differs little, although the values differ much', () => {
    const baseline = Array.from({ length: 50 }, (_, index) => index / 50);
    const values = baseline.map((value, index) => value + 0.02 + 0.001 * (index % 3));
    const { interval } = pairedDifference(values, baseline, new Bootstrap(50, 0));
    expect(interval.low).toBeGreaterThan(0.02);
    expect(interval.high).toBeLessThan(0.022);
  });

  it('refuses lists that cannot be pairs', () => {
    expect(() => pairedDifference([1, 2], [1], new Bootstrap(2, 0))).toThrow('found 2 and 1');
  });
});

describe('Wilson interval', () => {
  // Its formula by hand: at no success, z²/(n + z²) is the upper end.
  it.each([
    [0, 10, 0, 0.2775],
    [5, 10, 0.2366, 0.7634],
    [10, 10, 0.7225, 1],
    [25, 50, 0.3664, 0.6336],
  ])('of %i successes in %i', (successes, trials, low, high) => {
    const interval = wilsonInterval(successes, trials);
    expect(interval.low).toBeCloseTo(low, 4);
    expect(interval.high).toBeCloseTo(high, 4);
  });

  it('refuses no trials', () => {
    expect(() => wilsonInterval(0, 0)).toThrow(OptionError);
  });
});
