import { describe, expect, it } from 'vitest';
import { POINTWISE, type PointwiseTraining } from '../../../kernels/backward/pointwise-training.wgsl.js';
import { recordAddRows } from '../../../src/ops/backward/add-rows.js';
import { recordPointwise } from '../../../src/ops/backward/pointwise.js';
import { timeRange } from '../../../src/runtime/tensor.js';
import { useTestDevice } from '../../support/device.js';
import { recordedMasks, withMasks } from '../../support/dropout.js';
import { gelu } from '../../support/reference.js';
import { geluSlope } from '../../support/reference-gradients.js';
import { runOp } from '../../support/run-op.js';
import { expectClose, Normals, type Values, valueAt, valuesOf } from '../../support/values.js';

const device = useTestDevice();
const PROBABILITY = 0.3;

const REFERENCE: Readonly<Record<PointwiseTraining, (a: number, b: number, kept: number) => number>> = {
  gelu: (a, _b, kept) => kept * gelu(a),
  'gelu gradient': (a, b, kept) => kept * geluSlope(a) * b,
  'drop and add': (a, b, kept) => kept * a + b,
  drop: (a, _b, kept) => kept * a,
  add: (a, b) => a + b,
};

async function run(name: PointwiseTraining, a: Values): Promise<void> {
  const { batch, channels, length } = a;
  const b = new Normals(5).values(batch, channels, length);
  const masks = recordedMasks(
    [
      { name: 'first', elements: 33 },
      { name: 'site', elements: a.data.length },
    ],
    PROBABILITY,
  );
  const { second, dropout } = POINTWISE[name];
  const results = await runOp(device(), (op) => {
    const plan = withMasks(op, masks, PROBABILITY);
    const site = plan.sites[1];
    if (!site) throw new Error('no site');
    recordPointwise(op.builder, name, {
      a: op.input(a, 'tokens'),
      b: second ? op.input(b, 'tokens') : undefined,
      out: op.output('out', batch, channels, length, 'tokens'),
      dropout: dropout ? { plan, site } : undefined,
    });
  });
  const mask = masks.get('site') as Uint8Array;
  const expected = valuesOf(batch, channels, length, (n, c, t) => {
    const kept = mask[(n * length + t) * channels + c] === 1 ? 1 / (1 - PROBABILITY) : 0;
    return REFERENCE[name](valueAt(a, n, c, t), valueAt(b, n, c, t), kept);
  });
  expectClose(results.values('out'), expected, { atol: 3e-7, rtol: 1e-6 }, name);
}

describe('functions element by element', () => {
  it.each(Object.keys(POINTWISE) as PointwiseTraining[])('%s', async (name) => {
    await run(name, new Normals(3).values(3, 7, 5, 2));
  });

  it.each(['gelu', 'gelu gradient'] as const)('%s keeps its digits in the tails', async (name) => {
    await run(
      name,
      valuesOf(1, 41, 1, (_b, c) => (c - 20) / 2),
    );
  });
});

describe('rows that all samples share', () => {
  const normals = new Normals(6);
  const [rows, more] = [normals.floats(15), normals.floats(15)];

  it.each([
    { accumulate: true, two: false },
    { accumulate: false, two: true },
  ])('are added to a range of tokens, or copied: accumulate $accumulate, two tables $two', async ({ accumulate, two }) => {
    const y = normals.values(2, 5, 7);
    const results = await runOp(device(), (op) => {
      const all = op.input(y, 'tokens');
      const tables = [{ buffer: op.buffer('rows', rows) }, { buffer: op.buffer('more', more) }] as const;
      recordAddRows(op.builder, { rows: two ? tables : [tables[0]], y: timeRange(all, 2, 3), accumulate });
      op.read('y', all);
    });
    const expected = valuesOf(2, 5, 7, (b, c, t) => {
      const e = (t - 2) * 5 + c;
      const value = t < 2 || t > 4 ? undefined : (rows[e] as number) + (two ? (more[e] as number) : 0);
      return value === undefined ? valueAt(y, b, c, t) : value + (accumulate ? valueAt(y, b, c, t) : 0);
    });
    expectClose(results.values('y'), expected, { atol: 2e-7, rtol: 2e-7 }, 'y');
  });

  it('operands of other shapes are refused', async () => {
    const recorded = runOp(device(), (op) => {
      recordPointwise(op.builder, 'add', {
        a: op.input(normals.values(1, 2, 3), 'tokens'),
        b: op.input(normals.values(1, 3, 2), 'tokens'),
        out: op.output('out', 1, 2, 3, 'tokens'),
      });
    });
    await expect(recorded).rejects.toThrow('its operands are of another shape or missing');
  });
});
