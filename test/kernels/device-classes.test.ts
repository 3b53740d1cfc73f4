import { describe, expect, it } from 'vitest';
import { recordAttention } from '../../src/ops/attention.js';
import { loadNorm, recordGroupNorm, recordLayerNorm } from '../../src/ops/norm.js';
import { channelRange } from '../../src/runtime/tensor.js';
import { useTestDevice } from '../support/device.js';
import { runOp } from '../support/run-op.js';
import { expectClose, Normals, valueAt, valuesOf, type Values } from '../support/values.js';
import { convInputs, describeConv, expectedConvolution, runConvolutions, type ConvCase } from './conv-case.js';
import { attention, groupNormMish, layerNorm } from './reference.js';

/**
 * The variants for GPUs, which add up slices of a reduction in workgroup memory. Software drivers take long to compile
 * them, so the shapes here are few; what both classes share is tested where the kernels are.
 */
describe('variants of the device class gpu', () => {
  const device = useTestDevice({ deviceClass: 'gpu' });

  it('convolutions with 1, 2 and 32 slices, partial lanes and tiles, f32 and f16', async () => {
    expect(device().deviceClass).toBe('gpu');
    const shapes: readonly ConvCase[] = [
      { inChannels: 1, outChannels: 5, inLength: 3, kernelSize: 3, padding: 1, batch: 2 },
      { inChannels: 3, outChannels: 7, inLength: 3, kernelSize: 3, padding: 1, batch: 2, residual: true },
      { inChannels: 40, outChannels: 35, inLength: 4, kernelSize: 3, padding: 1, batch: 2, outActivation: 'mish' },
      { inChannels: 40, outChannels: 34, inLength: 17, kernelSize: 1, batch: 2, inOrder: 'tokens', outOrder: 'tokens' },
      { inChannels: 37, outChannels: 5, inLength: 3, kernelSize: 4, stride: 2, padding: 1, transposed: true },
    ];
    const cases = shapes.map((shape, i) => ({ shape, inputs: convInputs(shape, i + 1) }));
    const results = await runConvolutions(device(), cases);
    results.forEach((actual, i) => {
      const { shape, inputs } = cases[i] as (typeof cases)[number];
      expectClose(actual, expectedConvolution(shape, inputs), { atol: 2e-6, rtol: 1e-6 }, describeConv(shape));
    });
    const [half] = await runConvolutions(device(), cases.slice(2, 3), 'f16');
    const { shape, inputs } = cases[2] as (typeof cases)[number];
    // Weights of f16 are off by up to 2^-11 of themselves.
    expectClose(half as Values, expectedConvolution(shape, inputs), { atol: 2e-3, rtol: 0 }, 'f16');
  });

  it('norms and attention with 64 invocations, more and fewer values than that', async () => {
    const normals = new Normals(1);
    const gamma = normals.floats(80);
    const beta = normals.floats(80);
    const x = normals.values(2, 80, 5);
    const qkv = normals.values(2, 3 * 20, 70);
    const results = await runOp(device(), async (op) => {
      const norm = await loadNorm(op.loader({ 'n.weight': gamma, 'n.bias': beta }), 'n', 80);
      recordGroupNorm(op.builder, norm, { x: op.input(x), y: op.output('group norm', 2, 80, 5), groups: 2 });
      recordLayerNorm(op.builder, norm, op.input(x, 'tokens'), op.output('layer norm', 2, 80, 5, 'tokens'));
      const joint = op.input(qkv, 'tokens');
      const [q, k, v] = [channelRange(joint, 0, 20), channelRange(joint, 20, 20), channelRange(joint, 40, 20)];
      recordAttention(op.builder, { heads: 2, q, k, v, y: op.output('attention', 2, 20, 70, 'tokens') });
    });
    const tolerance = { atol: 3e-6, rtol: 2e-6 };
    expectClose(results.values('group norm'), groupNormMish({ x, gamma, beta, groups: 2 }), tolerance, 'group norm');
    expectClose(results.values('layer norm'), layerNorm(x, gamma, beta), tolerance, 'layer norm');
    const part = (first: number): Values => valuesOf(2, 20, 70, (b, c, t) => valueAt(qkv, b, first + c, t));
    expectClose(results.values('attention'), attention(part(0), part(20), part(40), 2), tolerance, 'attention');
  });
});
