import { describe, expect, it } from 'vitest';
import type { Activation } from '../../kernels/lib/activations.wgsl.js';
import { loadConv1d, recordConv1d } from '../../src/ops/conv1d.js';
import { useTestDevice } from '../support/device.js';
import { activate } from '../support/reference.js';
import { runOp } from '../support/run-op.js';
import { expectClose, type Values, valueAt, valuesOf } from '../support/values.js';

const device = useTestDevice();

/** The activation alone: a convolution of one channel by 1. */
async function run(activation: Activation, inputs: readonly number[]): Promise<Values> {
  const x = valuesOf(1, 1, inputs.length, (_b, _c, t) => inputs[t] as number);
  const results = await runOp(device(), async (op) => {
    const loader = op.loader({ 'one.weight': Float32Array.of(1), 'one.bias': Float32Array.of(0) });
    const one = await loadConv1d(loader, 'one', { inChannels: 1, outChannels: 1, kernelSize: 1 });
    recordConv1d(op.builder, one, { x: op.input(x), y: op.output('y', 1, 1, x.length), outActivation: activation });
  });
  return results.values('y');
}

function expected(activation: Activation, inputs: readonly number[]): Values {
  return valuesOf(1, 1, inputs.length, (_b, _c, t) => activate(activation, Math.fround(inputs[t] as number)));
}

const around0 = Array.from({ length: 161 }, (_, i) => (i - 80) / 10);

describe('Mish', () => {
  it('is exact to a few units in the last place, in the negative tail too', async () => {
    const inputs = [...around0, -20, -15, 19.99, 20, 20.01, 30, 50];
    expectClose(await run('mish', inputs), expected('mish', inputs), { atol: 0, rtol: 2e-6 }, 'mish');
  });

  it('neither overflows nor turns into NaN at the ends of f32', async () => {
    const inputs = [-3e38, -1e4, -100, -88, 0, 88, 89, 100, 1e4, 3e38];
    expectClose(await run('mish', inputs), expected('mish', inputs), { atol: 1e-30, rtol: 1e-6 }, 'mish');
  });
});

describe('GELU', () => {
  it('is the erf form, not the tanh form: exact to a few units in the last place', async () => {
    expectClose(await run('gelu', around0), expected('gelu', around0), { atol: 1e-12, rtol: 6e-6 }, 'gelu');
    // The tanh form is off by 4.7e-4 here.
    const at2 = await run('gelu', [-2.3]);
    expect(Math.abs(valueAt(at2, 0, 0, 0) - -0.0246659)).toBeLessThan(1e-6);
  });

  it('neither overflows nor turns into NaN at the ends of f32', async () => {
    const inputs = [-1e18, -1e4, -100, -20, 0, 20, 100, 1e4, 1e18];
    expectClose(await run('gelu', inputs), expected('gelu', inputs), { atol: 1e-30, rtol: 1e-6 }, 'gelu');
  });
});
