import { describe, expect, it } from 'vitest';
import { recordDrawStart } from '../../src/ops/sampling.js';
import { useTestDevice } from '../support/device.js';
import { runOp } from '../support/run-op.js';
import { Normals, type Values, valueAt, valuesOf } from '../support/values.js';

const device = useTestDevice();

/** The op on a device: the start, and what the deviations became. */
async function drawn(mean: Values, raw: Values, noise: Values): Promise<{ readonly y: Values; readonly deviation: Values }> {
  const { batch, channels, length } = mean;
  const results = await runOp(device(), (op) => {
    const deviation = op.input(raw, 'tokens');
    const z = op.input(noise, 'tokens');
    const y = op.output('y', batch, channels, length, 'tokens');
    const range = { buffer: z.buffer, offset: 0, bytes: batch * channels * length * 4 };
    recordDrawStart(op.builder, { mean: op.input(mean, 'tokens'), std: deviation, noise: range, y });
    op.read('deviation', deviation);
  });
  return { y: results.values('y'), deviation: results.values('deviation') };
}

describe('a start that heads draw', () => {
  it.each([
    { batch: 1, channels: 1, length: 1 },
    { batch: 3, channels: 67, length: 1 },
    { batch: 2, channels: 5, length: 7 },
  ])('is mean + softplus(raw) · noise: batch $batch, $length × $channels', async ({ batch, channels, length }) => {
    const normals = new Normals(31);
    const values = (): Values => normals.values(batch, channels, length);
    const [mean, noise] = [values(), values()];
    // From where it is nothing to where it is the identity, and beyond what an exponential holds in f32.
    const raw = valuesOf(batch, channels, length, (b, c, t) => [0, -3, 4, 30, -30, 150, -150][(b + c + t) % 7] as number);
    const { y, deviation } = await drawn(mean, raw, noise);
    for (let b = 0; b < batch; b++) {
      for (let c = 0; c < channels; c++) {
        for (let t = 0; t < length; t++) {
          const x = valueAt(raw, b, c, t);
          const expected = Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
          expect(Math.abs(valueAt(deviation, b, c, t) - expected)).toBeLessThan(2e-6 * Math.max(1, expected));
          const start = valueAt(mean, b, c, t) + expected * valueAt(noise, b, c, t);
          expect(Math.abs(valueAt(y, b, c, t) - start)).toBeLessThan(4e-6 * Math.max(1, expected));
        }
      }
    }
  });

  it('is NaN where a head is: the start that follows reports it', async () => {
    const one = (value: number): Values => valuesOf(1, 1, 2, (_, __, t) => (t === 0 ? value : 1));
    const { y } = await drawn(one(0), one(NaN), one(0.5));
    expect([...y.data].map(Number.isNaN)).toEqual([true, false]);
  });
});
