import { afterEach, describe, expect, it, vi } from 'vitest';
import type { OpenDeviceOptions } from '../../src/runtime/device.js';
import { openTestDevice } from '../support/device.js';

const later = (call: () => void): void => void setImmediate(call);

describe('waiting for a device', () => {
  afterEach(() => vi.restoreAllMocks());

  /** How often the thread slept while a device was waited for. */
  async function napsOf(options: Pick<OpenDeviceOptions, 'isPolled' | 'idle'>, ms: number): Promise<number> {
    const device = await openTestDevice({ ...options, inLaterTurn: later });
    const nap = vi.spyOn(Atomics, 'wait');
    try {
      await device.settle(new Promise((resolve) => setTimeout(resolve, ms)));
      return nap.mock.calls.length;
    } finally {
      nap.mockRestore();
      device.dispose();
    }
  }

  it('sleeps on a software adapter that is asked in every turn, and polls where that is wanted', async () => {
    expect(await napsOf({ isPolled: true }, 10)).toBeGreaterThan(3);
    expect(await napsOf({ isPolled: true, idle: 'sleep' }, 10)).toBeGreaterThan(3);
    expect(await napsOf({ isPolled: true, idle: 'poll' }, 10)).toBe(0);
  });

  it('never sleeps where the implementation wakes its caller', async () => {
    expect(await napsOf({ isPolled: false }, 10)).toBe(0);
    expect(await napsOf({ isPolled: false, idle: 'sleep' }, 10)).toBe(0);
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
