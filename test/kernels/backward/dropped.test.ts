import { describe, expect, it } from 'vitest';
import { DROPPED, type DroppedFunction } from '../../../kernels/backward/dropped.wgsl.js';
import { recordDropped } from '../../../src/ops/backward/dropped.js';
import { useTestDevice } from '../../support/device.js';
import { recordedMasks, withMasks } from '../../support/dropout.js';
import { gelu } from '../../support/reference.js';
import { geluSlope } from '../../support/reference-token-gradients.js';
import { runOp } from '../../support/run-op.js';
import { expectClose, Normals, type Values, valueAt, valuesOf } from '../../support/values.js';

const device = useTestDevice();
const PROBABILITY = 0.3;

const REFERENCE: Readonly<Record<DroppedFunction, (a: number, b: number, kept: number) => number>> = {
  gelu: (a, _b, kept) => kept * gelu(a),
  'gelu gradient': (a, b, kept) => kept * geluSlope(a) * b,
  'drop and add': (a, b, kept) => kept * a + b,
  drop: (a, _b, kept) => kept * a,
};

async function run(name: DroppedFunction, a: Values): Promise<void> {
  const { batch, channels, length } = a;
  const b = new Normals(5).values(batch, channels, length);
  const masks = recordedMasks(
    [
      { name: 'first', elements: 33 },
      { name: 'site', elements: a.data.length },
    ],
    PROBABILITY,
  );
  const { second } = DROPPED[name];
  const results = await runOp(device(), (op) => {
    const plan = withMasks(op, masks, PROBABILITY);
    const site = plan.sites[1];
    if (!site) throw new Error('no site');
    recordDropped(op.builder, name, {
      a: op.input(a, 'tokens'),
      b: second ? op.input(b, 'tokens') : undefined,
      out: op.output('out', batch, channels, length, 'tokens'),
      dropout: plan,
      site,
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
  it.each(Object.keys(DROPPED) as DroppedFunction[])('%s', async (name) => {
    await run(name, new Normals(3).values(3, 7, 5, 2));
  });

  it.each(['gelu', 'gelu gradient'] as const)('%s keeps its digits in the tails', async (name) => {
    await run(
      name,
      valuesOf(1, 41, 1, (_b, c) => (c - 20) / 2),
    );
  });
});

it('operands of other shapes are refused', async () => {
  const normals = new Normals(1);
  const recorded = runOp(device(), (op) => {
    const dropout = withMasks(op, recordedMasks([{ name: 'site', elements: 6 }], PROBABILITY), PROBABILITY);
    const [site] = dropout.sites;
    if (!site) throw new Error('no site');
    const [a, b] = [op.input(normals.values(1, 2, 3), 'tokens'), op.input(normals.values(1, 3, 2), 'tokens')];
    recordDropped(op.builder, 'drop and add', { a, b, out: op.output('out', 1, 2, 3, 'tokens'), dropout, site });
  });
  await expect(recorded).rejects.toThrow('its operands are of another shape or missing');
});
