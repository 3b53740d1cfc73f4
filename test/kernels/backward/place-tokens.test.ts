import { describe, expect, it } from 'vitest';
import { recordPlaceTokens } from '../../../src/ops/backward/place-tokens.js';
import { broadcast, timeRange } from '../../../src/runtime/tensor.js';
import { useTestDevice } from '../../support/device.js';
import { runOp } from '../../support/run-op.js';
import { expectClose, Normals, valueAt, valuesOf } from '../../support/values.js';

const device = useTestDevice();
const TOLERANCE = { atol: 2e-7, rtol: 2e-7 };

describe('tokens from one place to another', () => {
  it.each([false, true])('a range of tokens, with rows added: %s', async (added) => {
    const normals = new Normals(6);
    const [x, rows] = [normals.values(3, 5, 7), normals.floats(15)];
    const results = await runOp(device(), (op) => {
      const table = { buffer: op.buffer('rows', rows) };
      const y = op.output('y', 3, 5, 3, 'tokens');
      recordPlaceTokens(op.builder, { x: timeRange(op.input(x, 'tokens'), 2, 3), rows: added ? table : undefined, y });
    });
    const expected = valuesOf(3, 5, 3, (b, c, t) => valueAt(x, b, c, t + 2) + (added ? (rows[t * 5 + c] as number) : 0));
    expectClose(results.values('y'), expected, TOLERANCE, 'y');
  });

  it('one sample for all, into a range; the rest stays as it is', async () => {
    const normals = new Normals(7);
    const [x, y] = [normals.values(1, 2, 3), normals.values(4, 2, 5)];
    const results = await runOp(device(), (op) => {
      const all = op.input(y, 'tokens');
      recordPlaceTokens(op.builder, { x: broadcast(op.input(x, 'tokens'), 4), y: timeRange(all, 1, 3) });
      op.read('y', all);
    });
    const expected = valuesOf(4, 2, 5, (b, c, t) => (t < 1 || t > 3 ? valueAt(y, b, c, t) : valueAt(x, 0, c, t - 1)));
    expectClose(results.values('y'), expected, TOLERANCE, 'y');
  });

  it('other shapes are refused', async () => {
    const normals = new Normals(1);
    const recorded = runOp(device(), (op) => {
      recordPlaceTokens(op.builder, { x: op.input(normals.values(1, 2, 3)), y: op.output('y', 1, 3, 2) });
    });
    await expect(recorded).rejects.toThrow('place_tokens: x is 1x3x2, y is 1x2x3');
  });
});
