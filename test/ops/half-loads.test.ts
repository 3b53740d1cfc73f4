import { describe, expect, it } from 'vitest';
import type { Kernel } from '../../kernels/lib/kernel.js';
import { loadConv1d, recordConv1d } from '../../src/ops/conv1d.js';
import { trustsHalfLoads } from '../../src/ops/half-loads.js';
import { openTestDevice, useTestDevice } from '../support/device.js';
import { runOp } from '../support/run-op.js';
import { expectSameBits, Normals } from '../support/values.js';

describe('loads of halves', () => {
  // The class decides where weights lie: native halves are loaded from buffers alone, and lavapipe's lie in textures.
  const device = useTestDevice({ deviceClass: 'software' });
  const hasFeature = (): boolean => device().adapterFeatures.has('shader-f16');

  it('the device asks for shader-f16 where the adapter has it', () => {
    expect(device().gpuDevice.features.has('shader-f16')).toBe(hasFeature());
  });

  it('packed ones are exact for every half; native ones too, where the adapter has them', async () => {
    expect(await trustsHalfLoads(device(), 'packed')).toBe(true);
    expect(await trustsHalfLoads(device(), 'native')).toBe(hasFeature());
  });

  it('native ones give the bits of packed ones in a convolution, and cannot be had without the feature', async () => {
    const normals = new Normals(5);
    const tensors = { 'conv.weight': normals.floats(30 * 21 * 3), 'conv.bias': normals.floats(30) };
    const x = normals.values(2, 21, 9);
    const run = () =>
      runOp(device(), async (op) => {
        const weights = await loadConv1d(op.loader(tensors, 'f16'), 'conv', { inChannels: 21, outChannels: 30, kernelSize: 3 });
        const input = op.input(x);
        for (const halfLoads of ['packed', 'native'] as const) {
          recordConv1d(op.builder, weights, { x: input, y: op.output(halfLoads, 2, 30, 9), padding: 1, halfLoads });
        }
      });
    if (hasFeature()) {
      const results = await run();
      expectSameBits(results.values('native'), results.values('packed'), 'native against packed');
    } else {
      await expect(run()).rejects.toThrow(/f16/);
    }
  });

  it('are checked once per device, and refused where one half is wrong', async () => {
    let compiled = 0;
    // Flushes subnormal halves to zero, as hardware may.
    const flushed = 'fn flushed(x: vec2f) -> vec2f { return select(x, vec2f(), abs(x) < vec2f(6.1e-5f)); }';
    const transformShader = ({ code }: Kernel): string => {
      compiled++;
      return `${code.replaceAll(/unpack2x16float\([^)]+\)/g, 'flushed($&)')}\n${flushed}`;
    };
    const flushing = await openTestDevice({ transformShader });
    try {
      const answers = await Promise.all([trustsHalfLoads(flushing, 'packed'), trustsHalfLoads(flushing, 'packed')]);
      expect([...answers, await trustsHalfLoads(flushing, 'packed')]).toEqual([false, false, false]);
      expect(compiled).toBe(1);
    } finally {
      flushing.dispose();
    }
  });
});
