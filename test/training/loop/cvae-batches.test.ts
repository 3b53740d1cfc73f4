import { describe, expect, it } from 'vitest';
import { klWeight } from '../../../src/training/cvae/kl-weight.js';
import { callsBefore } from '../../../src/training/loop/cvae-batches.js';

describe('the weight of the divergence', () => {
  it('grows with the calls of the loss as in each release, up to its bound', () => {
    expect([0, 1, 250, 1900, 3000].map((calls) => klWeight({ activation: 'relu' }, calls))).toEqual(
      [0.1, 0.101, 0.35, 2, 2].map((value) => expect.closeTo(value, 12) as number),
    );
    expect([0, 1, 500, 5000].map((calls) => klWeight({ activation: 'elu' }, calls))).toEqual([0, 1e-4, 0.05, 0.1]);
  });

  it('counts the calls of evaluations, which the releases make too', () => {
    const every = { batchesPerEvaluation: 6, callsPerEvaluation: 4 };
    expect([0, 5, 6, 11, 12].map((batch) => callsBefore(batch, every))).toEqual([0, 5, 10, 15, 20]);
    expect(klWeight({ activation: 'relu' }, callsBefore(6, every))).not.toBe(klWeight({ activation: 'relu' }, 6));
  });
});
