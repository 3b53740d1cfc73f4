import { describe, expect, it } from 'vitest';
import { SerialQueue } from '../../src/policy/queue.js';

describe('a queue of tasks', () => {
  it('begins at once where none is under way, and else one after the other', async () => {
    const queue = new SerialQueue();
    const log: string[] = [];
    const task = (name: string) => async (): Promise<string> => {
      log.push(`${name} begins`);
      await new Promise((resolve) => setImmediate(resolve));
      log.push(`${name} ends`);
      return name;
    };
    const first = queue.run(task('a'));
    expect(log).toEqual(['a begins']);
    const second = queue.run(task('b'));
    expect(log).toEqual(['a begins']);
    expect(await Promise.all([first, second])).toEqual(['a', 'b']);
    expect(log).toEqual(['a begins', 'a ends', 'b begins', 'b ends']);
    void queue.run(() => log.push('c'));
    expect(log.at(-1)).toBe('c');
  });

  it('has a task that is asked for in the beginning of another wait for its end', async () => {
    const queue = new SerialQueue();
    const log: string[] = [];
    let inner: Promise<string> | undefined;
    const outer = queue.run(async () => {
      inner = queue.run(async () => {
        log.push('inner');
        return 'inner';
      });
      await new Promise((resolve) => setImmediate(resolve));
      log.push('outer');
    });
    const after = queue.run(() => void log.push('after'));
    await outer;
    await expect(inner).resolves.toBe('inner');
    await after;
    expect(log).toEqual(['outer', 'inner', 'after']);
  });

  it('goes on after a task that fails, at once or later', async () => {
    const queue = new SerialQueue();
    const failed = [
      queue.run(() => {
        throw new RangeError('at once');
      }),
      queue.run(() => Promise.reject(new RangeError('later'))),
    ];
    const next = queue.run(() => 5);
    await expect(failed[0]).rejects.toThrow('at once');
    await expect(failed[1]).rejects.toThrow('later');
    await expect(next).resolves.toBe(5);
  });

  it('queues what a task asks for while it runs', async () => {
    const queue = new SerialQueue();
    const log: string[] = [];
    let inner: Promise<unknown> | undefined;
    await queue.run(() => {
      inner = queue.run(() => log.push('inner'));
      log.push('outer');
    });
    await inner;
    expect(log).toEqual(['outer', 'inner']);
  });

  it('tells its caller when the task has ended: the next one of that caller begins at once', async () => {
    const queue = new SerialQueue();
    await queue.run(() => new Promise((resolve) => setImmediate(resolve)));
    let begun = false;
    void queue.run(() => (begun = true));
    expect(begun).toBe(true);
  });
});
