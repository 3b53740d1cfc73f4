import { afterEach, describe, expect, it } from 'vitest';
import { adoptHalfLoads } from '../../src/ops/half-loads.js';
import type { ComputeDevice } from '../../src/runtime/device.js';
import { adapterIdentity } from '../../src/runtime/variant-table.js';
import { openTestDevice } from '../support/device.js';

describe('native halves from a table of variants', () => {
  let device: ComputeDevice | undefined;
  afterEach(() => device?.dispose());

  it('are used where the device proves that they are exact, and refused with a warning elsewhere', async () => {
    device = await openTestDevice({
      variants: (adapter) => ({ version: 1, adapter: adapterIdentity(adapter), convolutions: {}, halfLoads: 'native' }),
    });
    expect([device.adapter.variants, device.halfLoads]).toEqual(['tuned', 'packed']);
    const warning = await adoptHalfLoads(device);
    const exact = device.gpuDevice.features.has('shader-f16');
    expect(device.halfLoads).toBe(exact ? 'native' : 'packed');
    expect(warning === undefined).toBe(exact);
  });

  it('are refused where the device is wrong about one half', async () => {
    device = await openTestDevice({
      variants: (adapter) => ({ version: 1, adapter: adapterIdentity(adapter), convolutions: {}, halfLoads: 'native' }),
      // Every value is a little too large.
      transformShader: ({ code }) => code.replaceAll('bitcast<vec4u>(', 'vec4u(1u) + bitcast<vec4u>('),
    });
    expect(await adoptHalfLoads(device)).toContain('asks for native halves');
    expect(device.halfLoads).toBe('packed');
  });
});
