import { describe, expect, it } from 'vitest';
import { type NapClock, Naps } from '../../src/runtime/naps.js';

/** Times of this machine's event loop and of its timers, in milliseconds: a turn that asks Dawn, and how late a nap ends. */
const TURN_MS = 0.02;
const LATE_MS = 0.08;

/** An event loop in simulated time around an implementation that is asked once in every turn. */
class Simulated implements NapClock {
  #ms = 0;
  #due: (() => void)[] = [];
  napped = 0;

  now(): number {
    return this.#ms;
  }

  nap(ms: number): void {
    this.napped += ms;
    this.#ms += ms + LATE_MS;
  }

  later(call: () => void): void {
    this.#due.push(call);
  }

  /** Waits for work of this length; returns by how much later than its end that is known. */
  wait(naps: Naps, length: number): number {
    const end = this.#ms + length;
    const endNaps = naps.begin();
    this.turnsUntil(end);
    endNaps();
    return this.#ms - end;
  }

  /** Turns until one of them ends then or later. */
  turnsUntil(end: number): void {
    for (;;) {
      this.#ms += TURN_MS;
      if (this.#ms >= end) break;
      for (const call of this.#due.splice(0)) call();
    }
  }

  /** Turns in which nothing is waited for; returns how many calls are left after them. */
  idle(): number {
    for (let turn = 0; turn < 3; turn++) for (const call of this.#due.splice(0)) call();
    return this.#due.length;
  }
}

const LONGEST_DELAY_MS = 0.3;

describe('naps while a device works', () => {
  const noisy = (ms: number, index: number): number => ms * (1 + 0.5 * Math.sin(12.9898 * (index + 1)));
  it.each<[string, readonly number[]]>([
    ['slow first runs: the driver compiles', [5493, 4396, 1762, 708, 285, 285, 285]],
    ['lengths that vary by half', Array.from({ length: 40 }, (_, index) => noisy(20, index))],
    ['a device that becomes twice as fast', [...Array<number>(10).fill(40), ...Array<number>(10).fill(20)]],
    ['an outlier', [9, 9, 900, 9, 9]],
    ['waits that are short', Array.from({ length: 40 }, (_, index) => noisy(0.6, index))],
  ])('delay no result by more than 0.3 ms: %s', (_, lengths) => {
    const clock = new Simulated();
    const naps = new Naps(clock);
    for (const length of lengths) {
      expect(clock.wait(naps, length)).toBeLessThanOrEqual(LONGEST_DELAY_MS);
      // Or the process would never end.
      expect(clock.idle()).toBe(0);
    }
  });

  it('leave most of the core to others, and short waits alone', () => {
    const clock = new Simulated();
    const naps = new Naps(clock);
    clock.wait(naps, 0.4);
    expect(clock.napped).toBe(0);
    const begun = clock.now();
    clock.wait(naps, 100);
    // The rest of the time is late timers: asleep too.
    expect(clock.napped).toBeGreaterThan(0.45 * (clock.now() - begun));
  });

  describe('for work in two parts', () => {
    /** Waits for it, others waiting too or not; returns the time asleep in the first part, and by how much later than its end the second is known. */
    async function waitInParts(head: number, rest: number, others = 0): Promise<{ asleep: number; late: number }> {
      const clock = new Simulated();
      const naps = new Naps(clock);
      const waits = Array.from({ length: 1 + others }, () => naps.begin());
      let finish = (): void => {};
      naps.hold(new Promise<void>((resolve) => (finish = resolve)));
      const end = clock.now() + head + rest;
      clock.turnsUntil(clock.now() + head);
      const asleep = clock.napped;
      finish();
      await Promise.resolve();
      clock.turnsUntil(end);
      for (const endNaps of waits) endNaps();
      expect(clock.idle()).toBe(0);
      return { asleep, late: clock.now() - end };
    }

    it.each([
      [100, 10],
      [20, 1.5],
      [5000, 3],
    ])('are longer in the first one, of %d ms, and delay the second one no more', async (head, rest) => {
      const { asleep, late } = await waitInParts(head, rest);
      expect(asleep).toBeGreaterThan(0.88 * head);
      expect(late).toBeLessThanOrEqual(LONGEST_DELAY_MS);
    });

    it('are as short as ever where others wait too: their work may be done first', async () => {
      const { asleep } = await waitInParts(100, 0.1, 1);
      expect(asleep).toBeLessThan(0.7 * 100);
    });

    it('are as short as ever once the first part failed', async () => {
      const clock = new Simulated();
      const naps = new Naps(clock);
      naps.hold(Promise.reject(new Error('lost')));
      await new Promise((resolve) => setImmediate(resolve));
      expect(clock.wait(naps, 10)).toBeLessThanOrEqual(LONGEST_DELAY_MS);
    });
  });

  it('go on while any wait is under way, once per turn', () => {
    const clock = new Simulated();
    const naps = new Naps(clock);
    const others = [naps.begin(), naps.begin()];
    const endOne = naps.begin();
    endOne();
    clock.wait(naps, 10);
    // Naps of several waits would add up, and delay each of them by all.
    expect(clock.wait(naps, 10)).toBeLessThanOrEqual(LONGEST_DELAY_MS);
    for (const end of others) end();
    expect(clock.idle()).toBe(0);
    expect(clock.wait(naps, 0.4)).toBeLessThanOrEqual(2 * TURN_MS);
  });
});
