import { afterEach, describe, expect, it, vi } from 'vitest';
import type { OpenDeviceOptions } from '../../src/runtime/device.js';
import { openTestDevice } from '../support/device.js';

const later = (call: () => void): void => void setImmediate(call);

describe('waiting for a device', () => {
  afterEach(() => vi.restoreAllMocks());

  type Waiting = Pick<OpenDeviceOptions, 'isPolled' | 'idle'>;

  /** How often the thread slept while a device was waited for, for so many milliseconds or until it slept so often. */
  async function napsOf(options: Waiting, until: { readonly ms: number } | { readonly naps: number }): Promise<number> {
    const device = await openTestDevice({ ...options, inLaterTurn: later });
    const nap = vi.spyOn(Atomics, 'wait');
    const naps = (): number => nap.mock.calls.length;
    try {
      await device.settle(
        new Promise((resolve) => {
          // On a machine that is busy a turn takes as long as it takes: who sleeps at all sleeps so often some time.
          const look = (): void => void ('ms' in until || naps() >= until.naps ? resolve(undefined) : setTimeout(look, 1));
          setTimeout(look, 'ms' in until ? until.ms : 1);
        }),
      );
      return naps();
    } finally {
      nap.mockRestore();
      device.dispose();
    }
  }

  it('sleeps on a software adapter that is asked in every turn, and polls where that is wanted', async () => {
    expect(await napsOf({ isPolled: true }, { naps: 4 })).toBeGreaterThan(3);
    expect(await napsOf({ isPolled: true, idle: 'sleep' }, { naps: 4 })).toBeGreaterThan(3);
    expect(await napsOf({ isPolled: true, idle: 'poll' }, { ms: 10 })).toBe(0);
  });

  it('never sleeps where the implementation wakes its caller', async () => {
    expect(await napsOf({ isPolled: false }, { ms: 10 })).toBe(0);
    expect(await napsOf({ isPolled: false, idle: 'sleep' }, { ms: 10 })).toBe(0);
  });

  it('hands over large work in two parts only where waiting takes a core from computing', async () => {
    const splits = async (options: OpenDeviceOptions): Promise<boolean> => {
      const device = await openTestDevice({ ...options, inLaterTurn: later });
      device.dispose();
      return device.splitsWork;
    };
    expect(await splits({ isPolled: true })).toBe(true);
    expect(await splits({ isPolled: true, idle: 'poll' })).toBe(false);
    expect(await splits({ isPolled: true, idle: 'sleep', deviceClass: 'gpu' })).toBe(false);
    expect(await splits({ isPolled: false })).toBe(false);
  });

  it('stops sleeping when a wait fails', async () => {
    const device = await openTestDevice({ isPolled: true, inLaterTurn: later });
    await expect(device.settle(Promise.reject(new RangeError('x')))).rejects.toThrow(RangeError);
    await new Promise((resolve) => setTimeout(resolve, 2));
    const nap = vi.spyOn(Atomics, 'wait');
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(nap).not.toHaveBeenCalled();
    device.dispose();
  });
});
