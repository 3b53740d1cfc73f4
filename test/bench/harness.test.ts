import { afterEach, describe, expect, it, vi } from 'vitest';

afterEach(() => {
  vi.doUnmock('benchmark');
  vi.resetModules();
});

describe.each(['with', 'without'])('the harness %s benchmark.js', (which) => {
  const load = async () => {
    vi.resetModules();
    if (which === 'without') {
      vi.doMock('benchmark', () => {
        throw new Error('Cannot find package');
      });
    }
    return import('../../bench/kernels/harness.js');
  };

  it('keeps the time of every run, one task after the other, and at least five of them', async () => {
    const { measure } = await load();
    const order: string[] = [];
    const task = (name: string, own: number) => ({
      name,
      run: async () => {
        order.push(name);
        return own;
      },
    });
    const measured = await measure([task('a', 3), task('b', 4)], 0.001);
    expect(measured.map(({ name, samples }) => [name, new Set(samples)])).toEqual([
      ['a', new Set([3])],
      ['b', new Set([4])],
    ]);
    expect(measured.every(({ samples }) => samples.length >= 5)).toBe(true);
    expect(order.lastIndexOf('a')).toBeLessThan(order.indexOf('b'));
  });

  it('ends with the error of a task', async () => {
    const { measure } = await load();
    await expect(measure([{ name: 'broken', run: () => Promise.reject(new Error('lost')) }], 0.001)).rejects.toThrow('lost');
  });
});
