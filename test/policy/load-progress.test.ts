import { describe, expect, it } from 'vitest';
import { LoadReporter, type PlacingProgress } from '../../src/policy/load-progress.js';

const weights = (done: number, total: number): PlacingProgress => ({ stage: 'weights', done, total });
const kernels = (done: number, total: number): PlacingProgress => ({ stage: 'kernels', kernel: 'conv', done, total });
const firstRuns = (done: number, total: number): PlacingProgress => ({ stage: 'first runs', kernel: 'conv', done, total });

describe('the progress of a load', () => {
  it('never goes back, whatever the order of its stages, and ends at 1', () => {
    const fractions: number[] = [];
    const reporter = new LoadReporter((fraction) => fractions.push(fraction));
    // A kernel for the table of timesteps; the weights; the kernels of the plan, of which nobody knew before; then the weights again, wider.
    const stages = [kernels(1, 1), weights(1, 2), weights(2, 2), kernels(2, 4), weights(1, 2), weights(2, 2), kernels(4, 4)];
    for (const stage of [...stages, firstRuns(1, 2), firstRuns(2, 2)]) reporter.report(stage);
    expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
    expect(fractions[0]).toBeGreaterThan(0);
    expect(fractions.filter((fraction) => fraction === 1)).toHaveLength(1);
    expect(fractions.at(-1)).toBe(1);
  });

  it('has no kernels to wait for where all were compiled before', () => {
    const fractions: number[] = [];
    const reporter = new LoadReporter((fraction) => fractions.push(fraction));
    for (const stage of [weights(1, 1), firstRuns(1, 1)]) reporter.report(stage);
    expect(fractions).toEqual([0.75, 1]);
  });

  it('fails with what its listener throws, also where nobody catches it at once', () => {
    const reason = new Error('the bar is gone');
    const reporter = new LoadReporter(() => {
      throw reason;
    });
    expect(() => reporter.throwIfFailed()).not.toThrow();
    reporter.note(kernels(1, 2));
    expect(() => reporter.throwIfFailed()).toThrow(reason);
    expect(() => reporter.report(weights(1, 2))).toThrow(reason);
  });
});
