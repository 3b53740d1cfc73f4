import { describe, expect, it } from 'vitest';
import { levelOfBin } from '../../src/diffusion/consistency.js';
import { CONSISTENCY_LEVELS, heunStep, huberDelta, jumpOf, karrasWeight, scalingsOf } from '../../src/diffusion/consistency-training.js';

const LEVELS = CONSISTENCY_LEVELS;

describe('the scalings of a consistency policy', () => {
  it.each([
    [80, 3.908051e-5, 0.4998652371, 0.0124997559],
    [12.01478328852, 1.734607e-3, 0.498736013, 0.0831588201],
    [0.885024226011, 0.250434, 0.4254924028, 0.9837699108],
    [0.02, 1, 0, 1.9984019174],
  ])('at level %f are those of the release', (level, skip, out, scale) => {
    const found = scalingsOf(LEVELS, level);
    expect(found.skip).toBeCloseTo(skip, 7);
    expect(found.out).toBeCloseTo(out, 9);
    expect(found.in).toBeCloseTo(scale, 9);
  });

  it.each([
    [80, 0.2001851791],
    [12.014783288, 0.2025586596],
    [0.885024226, 0.4337237121],
  ])('make of F = 0.4 and x = 1 at level %f what G makes', (level, expected) => {
    const { keep, network } = jumpOf(LEVELS, level, LEVELS.sigmaMin);
    expect(keep + 0.4 * network).toBeCloseTo(expected, 8);
  });

  it('jump nowhere from where they are', () => expect(jumpOf(LEVELS, 3, 3)).toMatchObject({ keep: 1, network: 0 }));

  it('weigh and bound the loss as the release does', () => {
    expect(karrasWeight(LEVELS, 0.5)).toBeCloseTo(8, 12);
    expect(huberDelta(16, 10)).toBeCloseTo(0.0068305, 7);
    expect(huberDelta(16, 2)).toBeCloseTo(0.0030547012947258856, 12);
  });
});

describe('a step of Heun', () => {
  /** A network of its own, nothing linear in it. */
  const network = (x: number, level: number): number => Math.sin(3 * x + level);
  const denoised = (x: number, level: number): number => {
    const { skip, out, in: scale } = scalingsOf(LEVELS, level);
    return skip * x + out * network(scale * x, level);
  };

  it.each([
    [80, 70],
    [12, 0.885],
    [0.03, 0.02],
  ])('from %f to %f is that of the denoiser, as sums of samples and outputs', (from, to) => {
    const x = 0.7 * from;
    const slope = (at: number, level: number): number => (at - denoised(at, level)) / level;
    const first = slope(x, from);
    const middle = x + (to - from) * first;
    const expected = x + ((to - from) * (first + slope(middle, to))) / 2;
    const { euler, heun } = heunStep(LEVELS, from, to);
    const f1 = network(scalingsOf(LEVELS, from).in * x, from);
    const y = euler[0] * x + euler[1] * f1;
    expect(y).toBeCloseTo(middle, 9);
    const f2 = network(scalingsOf(LEVELS, to).in * y, to);
    expect(heun[0] * x + heun[1] * f1 + heun[2] * f2).toBeCloseTo(expected, 9);
  });

  it('to where it is moves nothing, also at the last bin', () => {
    const last = levelOfBin(LEVELS, 79);
    expect(levelOfBin(LEVELS, 80)).toBe(last);
    expect(heunStep(LEVELS, last, levelOfBin(LEVELS, 80))).toEqual({ euler: [1, 0], heun: [1, 0, 0] });
  });
});
