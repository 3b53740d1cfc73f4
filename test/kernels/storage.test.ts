import { describe, expect, it } from 'vitest';
import { roundToF16 } from '../../src/foundation/half.js';
import { loadConv1d, loadLinearRows, recordConv1d } from '../../src/ops/conv1d.js';
import { loadNorm, recordGroupNorm, recordLayerNorm } from '../../src/ops/norm.js';
import { type ConvCase, type ConvInputs, convInputs, describeConv, expectedConvolution, runConvolutions } from '../support/conv-case.js';
import { useTestDevice } from '../support/device.js';
import { runOp } from '../support/run-op.js';
import { expectClose, expectSameBits, Normals, type Values, valueAt, valuesOf } from '../support/values.js';

const device = useTestDevice();

function rounded(values: Float32Array): Float32Array {
  const copy = values.slice();
  roundToF16(copy);
  return copy;
}

const shapes: readonly ConvCase[] = [
  { inChannels: 5, outChannels: 7, inLength: 3, kernelSize: 3, padding: 1, batch: 2 },
  { inChannels: 40, outChannels: 1, inLength: 4, kernelSize: 5, padding: 2 },
  { inChannels: 3, outChannels: 66, inLength: 19, kernelSize: 1, batch: 2, inOrder: 'tokens', outOrder: 'tokens', outActivation: 'gelu' },
  { inChannels: 6, outChannels: 5, inLength: 4, kernelSize: 4, stride: 2, padding: 1, transposed: true, residual: true },
];

describe('weights stored as f16', () => {
  it('give the bits of f32 storage over rounded weights, for every kind of convolution', async () => {
    const cases = shapes.map((shape, i) => ({ shape, inputs: convInputs(shape, i + 1) }));
    const roundedCases = cases.map(({ shape, inputs }) => {
      const fixed: ConvInputs = { ...inputs, weight: rounded(inputs.weight), bias: rounded(inputs.bias) };
      return { shape, inputs: fixed };
    });
    const stored = await runConvolutions(device(), cases, 'f16');
    const reference = await runConvolutions(device(), roundedCases, 'f32');
    stored.forEach((values, i) => {
      const { shape, inputs } = roundedCases[i] as (typeof roundedCases)[number];
      expectSameBits(values, reference[i] as Values, describeConv(shape));
      expectClose(values, expectedConvolution(shape, inputs), { atol: 2e-6, rtol: 1e-6 }, describeConv(shape));
    });
  });

  it('keep subnormal halves, the largest half and signed zeros', async () => {
    // One input of 1 picks each weight out.
    const weight = Float32Array.of(2 ** -24, -(2 ** -15), 65504, -65504, -0, 1 / 3, 2 ** -26);
    const shape: ConvCase = { inChannels: 1, outChannels: weight.length, inLength: 1, kernelSize: 1, bias: false };
    const inputs = { ...convInputs(shape), x: valuesOf(1, 1, 1, () => 1), weight };
    const [values] = await runConvolutions(device(), [{ shape, inputs }], 'f16');
    const expected = rounded(weight);
    expectClose(
      values as Values,
      valuesOf(1, weight.length, 1, (_b, c) => expected[c] as number),
      { atol: 0, rtol: 0 },
      'weights',
    );
  });

  it('round biases, norms and rows of a joint projection like everything else', async () => {
    const normals = new Normals(9);
    const tensors = {
      in_proj_weight: normals.floats(9 * 5),
      in_proj_bias: normals.floats(9),
      'norm.weight': normals.floats(3),
      'norm.bias': normals.floats(3),
    };
    const x = normals.values(2, 5, 4);
    const run = async (precision: 'f32' | 'f16', weights: Record<string, Float32Array>): Promise<Values[]> => {
      const results = await runOp(device(), async (op) => {
        const loader = op.loader(weights, precision);
        const rows = await loadLinearRows(loader, 'in_proj', 5, 3, 3);
        const norm = await loadNorm(loader, 'norm', 3);
        const y = op.output('y', 2, 3, 4, 'tokens');
        recordConv1d(op.builder, rows, { x: op.input(x, 'tokens'), y });
        recordLayerNorm(op.builder, norm, y, op.output('layer norm', 2, 3, 4, 'tokens'));
        recordGroupNorm(op.builder, norm, { x: y, y: op.output('group norm', 2, 3, 4), groups: 1 });
      });
      return ['y', 'layer norm', 'group norm'].map((name) => results.values(name));
    };
    const roundedTensors = Object.fromEntries(Object.entries(tensors).map(([name, values]) => [name, rounded(values)]));
    const [stored, reference] = [await run('f16', tensors), await run('f32', roundedTensors)];
    stored.forEach((values, i) => expectSameBits(values, reference[i] as Values, `result ${i}`));
    // Rows 3, 4 and 5 of the joint projection.
    const { in_proj_weight: w, in_proj_bias: bias } = roundedTensors as { in_proj_weight: Float32Array; in_proj_bias: Float32Array };
    const expected = valuesOf(2, 3, 4, (b, o, t) => {
      let sum = bias[3 + o] as number;
      for (let i = 0; i < 5; i++) sum += (w[(3 + o) * 5 + i] as number) * valueAt(x, b, i, t);
      return sum;
    });
    expectClose(stored[0] as Values, expected, { atol: 2e-6, rtol: 1e-6 }, 'rows of the projection');
  });

  it('refuse what f16 cannot hold, by tensor name', async () => {
    const load = (weight: Float32Array, bias: number) =>
      runOp(device(), async (op) => {
        const loader = op.loader({ 'conv.weight': weight, 'conv.bias': Float32Array.of(bias) }, 'f16');
        await loadConv1d(loader, 'conv', { inChannels: weight.length, outChannels: 1, kernelSize: 1 });
      });
    await expect(load(Float32Array.of(1, 65520), 0)).rejects.toThrow(/"conv\.weight".*65520.*f32/);
    await expect(load(Float32Array.of(1), -1e6)).rejects.toThrow(/"conv\.bias".*-1000000.*f32/);
  });
});
