import { describe, it } from 'vitest';
import { recordAttention } from '../../src/ops/attention.js';
import { loadConv1d, recordConv1d } from '../../src/ops/conv1d.js';
import { loadNorm, recordGroupNorm, recordLayerNorm } from '../../src/ops/norm.js';
import { channelRange } from '../../src/runtime/tensor.js';
import { useTestDevice } from '../support/device.js';
import { runOp } from '../support/run-op.js';
import { expectSameBits, Normals, sampleOf, type Values } from '../support/values.js';

describe.each(['software', 'gpu'] as const)('on the device class %s', (deviceClass) => {
  const device = useTestDevice({ deviceClass });

  /** One of each op that adds up, on the same input. */
  async function run(x: Values): Promise<Map<string, Values>> {
    const normals = new Normals(1);
    const tensors = {
      'conv.weight': normals.floats(12 * 12 * 3),
      'conv.bias': normals.floats(12),
      'up.weight': normals.floats(12 * 12 * 4),
      'up.bias': normals.floats(12),
      'norm.weight': normals.floats(12),
      'norm.bias': normals.floats(12),
    };
    const names = ['conv', 'up', 'group norm', 'layer norm', 'attention'];
    const results = await runOp(device(), async (op) => {
      const loader = op.loader(tensors);
      const channels = { inChannels: 12, outChannels: 12 };
      const input = op.input(x);
      const output = (name: string, count = 12, length = x.length) => op.output(name, x.batch, count, length);
      const conv = await loadConv1d(loader, 'conv', { ...channels, kernelSize: 3 });
      recordConv1d(op.builder, conv, { x: input, y: output('conv'), padding: 1 });
      const up = await loadConv1d(loader, 'up', { ...channels, kernelSize: 4, transposed: true });
      recordConv1d(op.builder, up, { x: input, y: output('up', 12, 2 * x.length), stride: 2, padding: 1 });
      const norm = await loadNorm(loader, 'norm', 12);
      recordGroupNorm(op.builder, norm, { x: input, y: output('group norm'), groups: 2 });
      recordLayerNorm(op.builder, norm, input, output('layer norm'));
      const [q, k, v] = [0, 4, 8].map((first) => channelRange(input, first, 4));
      if (q && k && v) recordAttention(op.builder, { heads: 2, q, k, v, y: output('attention', 4) });
    });
    return new Map(names.map((name) => [name, results.values(name)]));
  }

  it('a sample gets the same bits alone, and first, second or third in a batch', async () => {
    const x = new Normals(2).values(3, 12, 3);
    const together = await run(x);
    for (const b of [0, 1, 2]) {
      const alone = await run(sampleOf(x, b));
      for (const [name, values] of together) expectSameBits(sampleOf(values, b), alone.get(name) as Values, `${name}, sample ${b}`);
    }
  });

  it('and the same bits in every run', async () => {
    const x = new Normals(3).values(2, 12, 3);
    const [first, second] = [await run(x), await run(x)];
    for (const [name, values] of first) expectSameBits(values, second.get(name) as Values, name);
  });
});
