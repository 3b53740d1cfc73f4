import { describe, expect, it } from 'vitest';
import { loadConv1d, loadLinearRows, recordConv1d } from '../../src/ops/conv1d.js';
import { loadNorm, recordLayerNorm } from '../../src/ops/norm.js';
import { type ConvCase, convInputs, describeConv, expectedConvolution, runConvolutions } from '../support/conv-case.js';
import { useTestDevice } from '../support/device.js';
import { runOp } from '../support/run-op.js';
import { expectClose, expectSameBits, Normals, type Values, valuesOf } from '../support/values.js';

/** What the weights are after int8, written down independently of the engine: [out][in][tap], transposed [in][out][tap]. */
function dequantized(weight: Float32Array, { inChannels, outChannels, kernelSize, transposed = false }: ConvCase): Float32Array {
  const index = (o: number, i: number, k: number): number => (transposed ? i * outChannels + o : o * inChannels + i) * kernelSize + k;
  const out = new Float32Array(weight.length);
  for (let o = 0; o < outChannels; o++) {
    const indices = Array.from({ length: inChannels * kernelSize }, (_, j) => index(o, Math.floor(j / kernelSize), j % kernelSize));
    const scale = Math.fround(Math.max(...indices.map((j) => Math.abs(weight[j] as number))) / 127);
    for (const j of indices) out[j] = scale === 0 ? 0 : Math.round((weight[j] as number) / scale) * scale;
  }
  return out;
}

/** More than 16 channels on each side, or the matrix would stay f32; numbers that are no multiples of 4 or of a tile. */
const shapes: readonly ConvCase[] = [
  { inChannels: 17, outChannels: 23, inLength: 3, kernelSize: 3, padding: 1, batch: 2 },
  { inChannels: 40, outChannels: 18, inLength: 4, kernelSize: 5, padding: 2, bias: false },
  { inChannels: 19, outChannels: 66, inLength: 19, kernelSize: 1, batch: 2, inOrder: 'tokens', outOrder: 'tokens', outActivation: 'gelu' },
  {
    inChannels: 20,
    outChannels: 21,
    inLength: 4,
    kernelSize: 4,
    stride: 2,
    padding: 1,
    transposed: true,
    residual: true,
    inActivation: 'mish',
  },
  { inChannels: 18, outChannels: 36, inLength: 9, kernelSize: 3, stride: 2, padding: 1 },
];

/**
 * SwiftShader takes seconds to compile a variant for GPUs: two of them show that slices are added before the scale. Those of lavapipe
 * have carried codes.
 */
const variants = [
  ['software', shapes],
  ['gpu', shapes.slice(0, 2)],
  ['lavapipe', shapes.slice(0, 3)],
] as const;

describe.each(variants)('weights stored as int8, variants for class %s', (deviceClass, shapes) => {
  const device = useTestDevice({ deviceClass });

  it('give what float64 gives over the same rounded weights: the kernel adds no error of its own', async () => {
    const cases = shapes.map((shape, i) => ({ shape, inputs: convInputs(shape, i + 1) }));
    const found = await runConvolutions(device(), cases, 'int8');
    cases.forEach(({ shape, inputs }, i) => {
      const expected = expectedConvolution(shape, { ...inputs, weight: dequantized(inputs.weight, shape) });
      expectClose(found[i] as Values, expected, { atol: 3e-6, rtol: 1e-6 }, describeConv(shape));
    });
  });

  it('keep the largest weight of a channel whatever its size, and channels of zeros at zero', async () => {
    // Input channel 0 alone is 1: the output is column 0 of the weights, each the largest of its channel.
    const shape: ConvCase = { inChannels: 18, outChannels: 18, inLength: 1, kernelSize: 1 };
    const inputs = convInputs(shape, 3);
    const largest = (o: number): number => (o % 3 === 2 ? 0 : (o % 2 ? -1 : 1) * 2 ** (o - 60));
    inputs.weight.forEach((_, j) => (inputs.weight[j] = (j % 18 === 0 ? 1 : 0.3) * largest(Math.floor(j / 18))));
    const x = valuesOf(1, 18, 1, (_b, i) => (i === 0 ? 1 : 0));
    const [found] = await runConvolutions(device(), [{ shape: { ...shape, bias: false }, inputs: { ...inputs, x } }], 'int8');
    expectClose(
      found as Values,
      valuesOf(1, 18, 1, (_b, o) => largest(o)),
      { atol: 0, rtol: 2e-7 },
      'largest weights',
    );
    for (let o = 2; o < 18; o += 3) expect((found as Values).data[o]).toBe(0);
  });
});

describe('int8 networks', () => {
  const device = useTestDevice();

  it('keep matrices with at most 16 channels on a side, biases and norms as f32', async () => {
    const normals = new Normals(9);
    const tensors = {
      in_proj_weight: normals.floats(9 * 20),
      in_proj_bias: normals.floats(9),
      'norm.weight': normals.floats(3),
      'norm.bias': normals.floats(3),
    };
    const x = normals.values(2, 20, 4);
    const run = async (precision: 'f32' | 'int8'): Promise<Values[]> => {
      const results = await runOp(device(), async (op) => {
        const loader = op.loader(tensors, precision);
        const rows = await loadLinearRows(loader, 'in_proj', 20, 3, 3);
        expect(rows.weightScale).toBeUndefined();
        const y = op.output('y', 2, 3, 4, 'tokens');
        recordConv1d(op.builder, rows, { x: op.input(x, 'tokens'), y });
        recordLayerNorm(op.builder, await loadNorm(loader, 'norm', 3), y, op.output('layer norm', 2, 3, 4, 'tokens'));
      });
      return ['y', 'layer norm'].map((name) => results.values(name));
    };
    const [int8, f32] = [await run('int8'), await run('f32')];
    int8.forEach((values, i) => expectSameBits(values, f32[i] as Values, `result ${i}`));
  });

  it('refuse weights that are not numbers, by tensor name', async () => {
    const weight = new Float32Array(20 * 20).fill(1);
    weight[123] = NaN;
    const loading = runOp(device(), async (op) => {
      const loader = op.loader({ 'conv.weight': weight, 'conv.bias': new Float32Array(20) }, 'int8');
      await loadConv1d(loader, 'conv', { inChannels: 20, outChannels: 20, kernelSize: 1 });
    });
    await expect(loading).rejects.toThrow(/"conv\.weight" .*holds NaN/);
  });
});
