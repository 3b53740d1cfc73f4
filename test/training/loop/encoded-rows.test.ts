import { describe, expect, it } from 'vitest';
import { EncodedRows } from '../../../src/training/loop/encoded-rows.js';

/** An encoder that takes a moment, and notes what it is asked for and whether it was asked meanwhile. */
function slowEncoder(): {
  readonly rows: EncodedRows;
  readonly calls: (readonly number[])[];
  failing: number;
  readonly most: () => number;
} {
  let busy = 0;
  let most = 0;
  const encoder = {
    failing: -1,
    calls: [] as (readonly number[])[],
    most: () => most,
    rows: new EncodedRows(async (rows) => {
      encoder.calls.push(rows);
      most = Math.max(most, ++busy);
      await new Promise((resolve) => setTimeout(resolve, 2));
      busy--;
      if (rows.includes(encoder.failing)) throw new Error(`row ${encoder.failing} is damaged`);
      return rows.map((row) => [Float32Array.of(row), Float32Array.of(10 * row)]);
    }),
  };
  return encoder;
}

describe('features of rows', () => {
  it('are made once, also for two that ask at the same time, and never two at a time', async () => {
    const { rows, calls, most } = slowEncoder();
    const [first, second] = await Promise.all([rows.read(Int32Array.of(5, 4, 4)), rows.read(Int32Array.of(6, 5))]);
    expect(first).toEqual([5, 4, 4].map((row) => [Float32Array.of(row), Float32Array.of(10 * row)]));
    expect(second).toEqual([6, 5].map((row) => [Float32Array.of(row), Float32Array.of(10 * row)]));
    expect(calls).toEqual([[4, 5], [6]]);
    expect(most()).toBe(1);
  });

  it('are made of few rows at a time', async () => {
    const { rows, calls } = slowEncoder();
    await rows.read(Int32Array.from({ length: 70 }, (_, i) => 69 - i));
    expect(calls.map(({ length }) => length)).toEqual([32, 32, 6]);
  });

  it('fail for who asked, not for the next one', async () => {
    const encoder = slowEncoder();
    encoder.failing = 3;
    const [first, second] = await Promise.allSettled([encoder.rows.read(Int32Array.of(3)), encoder.rows.read(Int32Array.of(4))]);
    expect(first).toMatchObject({ status: 'rejected', reason: { message: 'row 3 is damaged' } });
    expect(second.status).toBe('fulfilled');
    encoder.failing = -1;
    expect((await encoder.rows.read(Int32Array.of(3)))[0]?.[1]).toEqual(Float32Array.of(30));
  });
});
