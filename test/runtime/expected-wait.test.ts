import { describe, expect, it } from 'vitest';
import { ExpectedWait } from '../../src/runtime/expected-wait.js';

const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Milliseconds from the submit to the start of a wait that ends `length` after the submit. */
async function startOf(wait: ExpectedWait, length: number): Promise<number> {
  const submitted = performance.now();
  let started = 0;
  await wait.run(submitted, async () => {
    started = performance.now() - submitted;
    await later(length - started);
  });
  return started;
}

describe('a wait whose length is known from those before', () => {
  it('is started at once the first time, and then after most of its length', async () => {
    const wait = new ExpectedWait();
    expect(await startOf(wait, 100)).toBeLessThan(20);
    const second = await startOf(wait, 100);
    expect(second).toBeGreaterThan(60);
    // Late timers must fit into what is left: the wait itself shall not become longer.
    expect(second).toBeLessThan(98);
  });

  it('follows waits that become shorter, and is not misled by a long one', async () => {
    const wait = new ExpectedWait();
    await startOf(wait, 100);
    for (let i = 0; i < 8; i++) await startOf(wait, 0);
    expect(await startOf(wait, 100)).toBeLessThan(50);
    await startOf(wait, 200);
    expect(await startOf(wait, 20)).toBeLessThan(50);
  });

  it('is started at once where it is too short for a timer', async () => {
    const wait = new ExpectedWait();
    for (let i = 0; i < 3; i++) await wait.run(performance.now(), () => Promise.resolve());
    expect(await startOf(wait, 5)).toBeLessThan(2);
  });

  it('hands on what it waited for, and errors', async () => {
    const wait = new ExpectedWait();
    await expect(wait.run(performance.now(), () => Promise.resolve(5))).resolves.toBe(5);
    await expect(wait.run(performance.now(), () => Promise.reject(new RangeError('x')))).rejects.toThrow(RangeError);
  });
});
