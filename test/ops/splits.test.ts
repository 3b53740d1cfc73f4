import { describe, expect, it } from 'vitest';
import { PROLOGUE_VEC4S } from '../../kernels/conv/conv-prologue.wgsl.js';
import { sumGroups } from '../../src/ops/unfinished.js';
import { chooseSplits, tileStep } from '../../src/ops/variants.js';

const STAGED = { inChannels: 64, inLength: 20, unit: 8, staged: true } as const;

describe('workgroups that share a reduction', () => {
  it('are the most that get equal shares', () => {
    expect(chooseSplits({ ...STAGED, tileStep: undefined }, 'gpu')).toBe(8);
    expect(chooseSplits({ ...STAGED, unit: 16 }, 'gpu')).toBe(4);
    expect(chooseSplits({ ...STAGED, inLength: 64, inChannels: 1024 }, 'gpu')).toBeUndefined();
    expect(chooseSplits(STAGED, 'software')).toBeUndefined();
  });

  it('stage no input whose tiles begin between multiples of four columns, which would be read at the wrong place', () => {
    expect(chooseSplits({ ...STAGED, tileStep: 10 }, 'gpu')).toBeUndefined();
    expect(chooseSplits({ ...STAGED, tileStep: 12 }, 'gpu')).toBe(8);
    expect(chooseSplits({ ...STAGED, staged: false, tileStep: 10 }, 'gpu')).toBe(8);
  });
});

describe('input columns from tile to tile', () => {
  it.each([
    { outLength: 16, stride: 1, transposed: false, step: undefined },
    { outLength: 20, stride: 1, transposed: false, step: 10 },
    { outLength: 24, stride: 1, transposed: false, step: 12 },
    { outLength: 32, stride: 2, transposed: false, step: 32 },
    { outLength: 32, stride: 2, transposed: true, step: 8 },
    { outLength: 24, stride: 2, transposed: true, step: 6 },
  ])('of $outLength columns with stride $stride (transposed: $transposed): $step', ({ step, ...shape }) => {
    expect(tileStep(shape)).toBe(step);
  });
});

describe('workgroups that finish sums without a norm', () => {
  it('are as few as hold their channels', () => {
    expect(sumGroups(32, 8)).toBe(1);
    expect(sumGroups(512, 8)).toBe(2);
    expect(sumGroups(4, 4 * PROLOGUE_VEC4S)).toBe(4);
    expect(sumGroups(4, 4 * PROLOGUE_VEC4S + 4)).toBeUndefined();
  });
});
