import { describe, expect, it } from 'vitest';
import { showLoading } from '../../src/cli/load.js';

describe('the line of a load', () => {
  it('says at what it is: blocks of weights, and kernels by name as they are compiled and first run', () => {
    const lines: string[] = [];
    const show = showLoading({ update: (text: string) => lines.push(text) });
    show(0.256, { stage: 'weights', done: 3, total: 9 });
    show(0.5, { stage: 'kernels', kernel: 'solver_step 32', done: 2, total: 34 });
    show(0.999, { stage: 'first runs', kernel: 'group_norm', done: 33, total: 34 });
    expect(lines).toEqual([
      'loading 25 %: weights, block 3 of 9',
      'loading 50 %: compiled 2 of 34 kernels, last solver_step 32',
      'loading 99 %: ran for the first time 33 of 34 kernels, last group_norm',
    ]);
  });
});
