import { describe, expect, it } from 'vitest';
import type { Kernel } from '../../kernels/lib/kernel.js';
import { roundToF16 } from '../../src/foundation/half.js';
import { recordAttention } from '../../src/ops/attention.js';
import { loadNorm, recordGroupNorm, recordLayerNorm } from '../../src/ops/norm.js';
import type { ComputeDevice } from '../../src/runtime/device.js';
import { channelRange } from '../../src/runtime/tensor.js';
import { type ConvCase, type ConvInputs, convInputs, describeConv, expectedConvolution, runConvolutions } from '../support/conv-case.js';
import { useOwnTestDevice, useTestDevice } from '../support/device.js';
import { attention, groupNormMish, layerNorm } from '../support/reference.js';
import { runOp } from '../support/run-op.js';
import { expectClose, Normals, type Values, valueAt, valuesOf } from '../support/values.js';

const TOLERANCE = { atol: 2e-6, rtol: 1e-6 };

function withInputs(shapes: readonly ConvCase[]): { shape: ConvCase; inputs: ConvInputs }[] {
  return shapes.map((shape, i) => ({ shape, inputs: convInputs(shape, i + 1) }));
}

async function expectReference(device: ComputeDevice, shapes: readonly ConvCase[]): Promise<void> {
  const cases = withInputs(shapes);
  const results = await runConvolutions(device, cases);
  results.forEach((actual, i) => {
    const { shape, inputs } = cases[i] as (typeof cases)[number];
    expectClose(actual, expectedConvolution(shape, inputs), TOLERANCE, describeConv(shape));
  });
}

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
      { inChannels: 40, outChannels: 34, inLength: 17, kernelSize: 1, batch: 2, inOrder: 'tokens', outOrder: 'tokens' },
      { inChannels: 37, outChannels: 5, inLength: 3, kernelSize: 4, stride: 2, padding: 1, transposed: true },
    ];
    await expectReference(device(), shapes);
    const halves: ConvCase = { inChannels: 40, outChannels: 35, inLength: 4, kernelSize: 3, padding: 1, batch: 2, outActivation: 'mish' };
    const inputs = convInputs(halves);
    roundToF16(inputs.weight);
    roundToF16(inputs.bias);
    const [found] = await runConvolutions(device(), [{ shape: halves, inputs }], 'f16');
    expectClose(found as Values, expectedConvolution(halves, inputs), TOLERANCE, 'f16');
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

/** Neither channels nor lengths are multiples of a tile, and all matrices are wide enough for int8. */
const base = { inChannels: 18, outChannels: 35, batch: 2 } as const;
const tokenOrder = { inOrder: 'tokens', outOrder: 'tokens' } as const;

/** What a class does with the input of each of these: the end of the kernel's label. `handed`: channels of a turn, on lavapipe. */
const LOADS: readonly { readonly shape: ConvCase; readonly software: string; readonly lavapipe: string; readonly handed: number }[] = [
  {
    shape: { ...base, inLength: 8, kernelSize: 5, padding: 2, inActivation: 'mish', residual: true },
    software: 'time',
    lavapipe: 'time uniform',
    handed: 1,
  },
  {
    shape: { ...base, inLength: 32, kernelSize: 3, stride: 2, padding: 1, inChannels: 21 },
    software: 'time',
    lavapipe: 'time uniform',
    handed: 1,
  },
  { shape: { ...base, inLength: 48, kernelSize: 3, padding: 1 }, software: 'time', lavapipe: 'time uniform', handed: 1 },
  {
    shape: { ...base, inLength: 8, kernelSize: 4, stride: 2, padding: 1, transposed: true },
    software: 'time',
    lavapipe: 'time uniform',
    handed: 1,
  },
  { shape: { ...base, inLength: 5, kernelSize: 3, padding: 1 }, software: 'scalar', lavapipe: 'scalar', handed: 2 },
  // The last tile of tokens is partial.
  {
    shape: { ...base, ...tokenOrder, inLength: 19, kernelSize: 1, inChannels: 20 },
    software: 'channel',
    lavapipe: 'channel uniform',
    handed: 4,
  },
  // More chunks than a row of a texture has texels.
  {
    shape: { ...base, ...tokenOrder, inLength: 3, kernelSize: 1, inChannels: 1100 },
    software: 'channel',
    lavapipe: 'channel uniform',
    handed: 4,
  },
  // More than 64 KiB of input.
  { shape: { ...base, inLength: 16, kernelSize: 1, inChannels: 520 }, software: 'time', lavapipe: 'time', handed: 2 },
];

/** The class that the adapter of this run is not of. Its variants run everywhere: only their speed depends on the driver. */
const OTHER = process.env['WARMSTEP_ADAPTER'] === 'lavapipe' ? 'software' : 'lavapipe';

describe(`variants of the device class ${OTHER}`, () => {
  const labels: string[] = [];
  const transformShader = ({ label, code }: Kernel): string => {
    labels.push(label);
    return code;
  };
  const device = useOwnTestDevice({ deviceClass: OTHER, transformShader });
  const own = useTestDevice();
  const shapes = LOADS.map(({ shape }) => shape);

  it('agree with float64, however inputs are loaded', async () => {
    labels.length = 0;
    await expectReference(device(), shapes);
    const expected = LOADS.map((loads) =>
      OTHER === 'lavapipe'
        ? ` f32 texture by column, ${loads.lavapipe} handed ${loads.handed} by ${device().subgroupSize}`
        : ` f32, ${loads.software}`,
    );
    expect(labels.map((label) => / f32.*$/.exec(label)?.[0])).toEqual(expected);
  });

  // A few of them: channels that share a chunk, taps that do, and vectors of both kinds.
  it.each([
    ['f16', 5],
    ['int8', 4],
  ] as const)("agree with the variants of this adapter's class: %s", async (precision, kernelSize) => {
    expect(own().deviceClass).not.toBe(OTHER);
    const few = shapes.filter((shape) => shape.kernelSize === kernelSize || [5, 19].includes(shape.inLength));
    expect(few).toHaveLength(3);
    const cases = withInputs(few);
    const [found, expected] = [await runConvolutions(device(), cases, precision), await runConvolutions(own(), cases, precision)];
    found.forEach((values, i) => expectClose(values, expected[i] as Values, TOLERANCE, describeConv(few[i] as ConvCase)));
  });
});
