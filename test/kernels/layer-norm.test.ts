import { describe, it } from 'vitest';
import { loadNorm, recordLayerNorm } from '../../src/ops/norm.js';
import { useTestDevice } from '../support/device.js';
import { layerNorm } from '../support/reference.js';
import { runOp } from '../support/run-op.js';
import { expectClose, Normals, type Tolerance, type Values, valuesOf } from '../support/values.js';

const TOLERANCE: Tolerance = { atol: 3e-6, rtol: 2e-6 };

const device = useTestDevice();

async function run(x: Values): Promise<{ actual: Values; expected: Values }> {
  const normals = new Normals(x.channels);
  const gamma = normals.floats(x.channels);
  const beta = normals.floats(x.channels);
  const results = await runOp(device(), async (op) => {
    const weights = await loadNorm(op.loader({ 'n.weight': gamma, 'n.bias': beta }), 'n', x.channels);
    recordLayerNorm(op.builder, weights, op.input(x, 'tokens'), op.output('y', x.batch, x.channels, x.length, 'tokens'));
  });
  return { actual: results.values('y'), expected: layerNorm(x, gamma, beta) };
}

describe('layer norm', () => {
  it.each([
    { channels: 1, length: 3, batch: 1 },
    { channels: 5, length: 1, batch: 2 },
    { channels: 32, length: 17, batch: 3 },
    { channels: 131, length: 2, batch: 2 },
  ])('$batch × $length tokens of $channels channels', async ({ channels, length, batch }) => {
    const { actual, expected } = await run(new Normals(length).values(batch, channels, length, 3));
    expectClose(actual, expected, TOLERANCE, 'y');
  });

  it('small variations around a large mean survive: the variance takes two passes', async () => {
    const normals = new Normals(2);
    const { actual, expected } = await run(valuesOf(1, 40, 5, () => Math.fround(1000 + 0.05 * normals.next())));
    // The sum of 40,000 is good to 4e-3, so the mean to a hundredth of the spread; E[x²] − E[x]² would be off by 1 and more.
    expectClose(actual, expected, { atol: 2e-2, rtol: 0 }, 'y');
  });

  it('a token without spread ends at beta, and epsilon counts where the spread is small', async () => {
    const flat = await run(valuesOf(1, 8, 2, () => -7.5));
    expectClose(flat.actual, flat.expected, TOLERANCE, 'no spread');
    const small = await run(new Normals(3).values(1, 8, 2, 1e-3));
    expectClose(small.actual, small.expected, TOLERANCE, 'small spread');
  });
});
