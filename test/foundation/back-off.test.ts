import { describe, expect, it } from 'vitest';
import { BackOff } from '../../src/foundation/back-off.js';

/** Occasions of a thousand at which it was tried; `wentWell`: by the number of the occasion. */
function tried(wentWell: (occasion: number) => boolean): number[] {
  const backOff = new BackOff();
  return Array.from({ length: 1000 }, (_, occasion) => occasion).filter((occasion) => {
    const isTried = !backOff.isResting;
    backOff.note(wentWell(occasion));
    return isTried;
  });
}

describe('what is done where it goes well', () => {
  it('is tried at ever longer distances while it fails', () => {
    expect(tried(() => false)).toEqual([0, 2, 5, 10, 19, 36, 69, 134, 263, 520]);
  });

  it('is tried always where it never fails, and as before after a failure that was the only one', () => {
    expect(tried(() => true)).toHaveLength(1000);
    expect(tried((occasion) => occasion !== 500)).toHaveLength(999);
    expect(tried((occasion) => occasion % 100 > 0)).toHaveLength(990);
  });

  it('fails a few times of a thousand where it would fail every second, third or tenth time', () => {
    for (const period of [2, 3, 10]) {
      const failed = tried((occasion) => occasion % period > 0).filter((occasion) => occasion % period === 0);
      expect(failed.length, `every ${period}`).toBeLessThan(15);
    }
  });
});
