import { describe, expect, it } from 'vitest';
import { type ConvCase, convInputs, describeConv, expectedConvolution, runConvolutions } from '../support/conv-case.js';
import { useTestDevice } from '../support/device.js';
import { expectClose, type Tolerance } from '../support/values.js';

const TOLERANCE: Tolerance = { atol: 2e-6, rtol: 1e-6 };

const device = useTestDevice();

async function expectReference(shapes: readonly ConvCase[]): Promise<void> {
  const cases = shapes.map((given, index) => {
    const shape = { ...given, transposed: true };
    return { shape, inputs: convInputs(shape, index + 1) };
  });
  const results = await runConvolutions(device(), cases);
  results.forEach((actual, index) => {
    const { shape, inputs } = cases[index] as (typeof cases)[number];
    expectClose(actual, expectedConvolution(shape, inputs), TOLERANCE, describeConv(shape));
  });
}

describe('transposed conv1d', () => {
  const upsample = { kernelSize: 4, stride: 2, padding: 1 } as const;

  it('doubles the length as the U-Net does, at odd sizes and over several tiles', async () => {
    await expectReference(
      [1, 2, 3, 5, 8, 9, 32].map((inLength, i) => ({
        ...upsample,
        inLength,
        batch: 1 + (i % 3),
        inChannels: [1, 5, 3, 40, 7, 2, 6][i] as number,
        outChannels: [7, 1, 40, 5, 2, 3, 9][i] as number,
      })),
    );
  });

  it('other kernel sizes, strides and paddings', async () => {
    const shapes = [1, 2, 3, 4, 5].flatMap((kernelSize) =>
      [1, 2, 3].flatMap((stride) =>
        [0, 1, 2].map((padding): ConvCase => ({ kernelSize, stride, padding, inLength: 3, inChannels: 3, outChannels: 5, batch: 2 })),
      ),
    );
    const valid = shapes.filter((shape) => convInputs({ ...shape, transposed: true }).outLength >= 1);
    expect(valid.length).toBeGreaterThan(35);
    await expectReference(valid);
  });

  it('tiles begin at multiples of the stride: strides that do not divide 16', async () => {
    await expectReference([
      { kernelSize: 3, stride: 3, padding: 0, inLength: 9, inChannels: 2, outChannels: 3 },
      { kernelSize: 5, stride: 3, padding: 1, inLength: 13, inChannels: 2, outChannels: 3, batch: 2 },
      { kernelSize: 6, stride: 5, padding: 2, inLength: 8, inChannels: 2, outChannels: 3 },
      { kernelSize: 2, stride: 20, padding: 0, inLength: 3, inChannels: 2, outChannels: 3 },
    ]);
  });

  it('activations and residual, in either order', async () => {
    const base = { ...upsample, inLength: 4, inChannels: 3, outChannels: 5, batch: 2 } as const;
    await expectReference([
      { ...base, inActivation: 'mish', residual: true },
      { ...base, bias: false, outActivation: 'gelu', outOrder: 'tokens' },
      { ...base, inOrder: 'tokens', residual: true },
    ]);
  });
});
